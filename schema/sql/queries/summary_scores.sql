-- What costs points, over all scored sessions.
SELECT i.code AS issue, count(*) AS sessions, sum(i.count) AS times, sum(i.points) AS points,
    round(avg(e.score)) AS "their score", (SELECT round(avg(score)) FROM experience_scores) AS "all scores"
FROM experience_scores AS e CROSS JOIN LATERAL jsonb_to_recordset(e.issues) AS i (code text, count int, points int)
GROUP BY i.code ORDER BY points DESC, issue
