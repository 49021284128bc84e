-- What cost points. Others' issues may hold any number.
SELECT code, sessions, LEAST(coalesce(occurrences, 0), 1e15)::bigint AS occurrences,
    LEAST(coalesce(points, 0), 1e15)::bigint AS points
FROM analytics.score_causes(%(start)s, %(end)s)
ORDER BY points DESC, code LIMIT %(most)s
