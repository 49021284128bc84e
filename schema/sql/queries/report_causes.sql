-- What costs points.
SELECT i.code, count(*) AS sessions, sum(i.count)::bigint AS occurrences, sum(i.points)::bigint AS points
FROM experience_scores AS e JOIN sessions USING (session_id)
CROSS JOIN LATERAL jsonb_to_recordset(e.issues) AS i (code text, count int, points int)
WHERE start_time >= %(start)s AND start_time < %(end)s
GROUP BY i.code ORDER BY points DESC, i.code
