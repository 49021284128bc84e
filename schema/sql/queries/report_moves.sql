-- Where sessions went first.
SELECT step_number AS step, screen_name AS from_screen, next_screen AS to_screen, count(*) AS sessions
FROM (
    SELECT j.step_number, j.screen_name,
        lead(j.screen_name) OVER (PARTITION BY j.session_id ORDER BY j.step_number) AS next_screen
    FROM journey_steps AS j JOIN sessions AS s USING (session_id)
    WHERE s.start_time >= %(start)s AND s.start_time < %(end)s AND j.step_number <= %(steps)s AND j.screen_name IS NOT NULL
) AS steps
WHERE step_number < %(steps)s
GROUP BY step_number, screen_name, next_screen
ORDER BY step, sessions DESC, from_screen, to_screen
