-- The most usual changes of screen.
SELECT a.screen_name AS "from", b.screen_name AS "to", count(*) AS times, count(DISTINCT a.session_id) AS sessions
FROM journey_steps AS a
JOIN journey_steps AS b ON b.session_id = a.session_id AND b.step_number = a.step_number + 1
GROUP BY a.screen_name, b.screen_name ORDER BY times DESC, "from", "to" LIMIT 6
