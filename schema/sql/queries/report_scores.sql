-- How scores are spread.
SELECT least(score / 5, 19) * 5 AS lowest, count(*) AS sessions
FROM experience_scores JOIN sessions USING (session_id)
WHERE start_time >= %(start)s AND start_time < %(end)s GROUP BY 1 ORDER BY 1
