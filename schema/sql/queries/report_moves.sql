-- Where sessions went first.
SELECT step, from_screen, to_screen, sessions FROM analytics.transitions(%(start)s, %(end)s, %(steps)s)
