-- How scores are spread.
SELECT from_score AS lowest, to_score AS highest, sessions FROM analytics.scores(%(start)s, %(end)s)
WHERE share IS NOT NULL ORDER BY from_score
