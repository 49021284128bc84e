-- What cost points. Others' issues may hold any number, and none.
SELECT code, sessions, LEAST(GREATEST(occurrences, 0), 1e15)::bigint AS occurrences,
    LEAST(points, 1e15)::bigint AS points
FROM analytics.score_causes(%(start)s, %(end)s)
WHERE points >= 0.5
ORDER BY points DESC, code LIMIT %(most)s
