-- Removes replay chunks of these sessions, so many at the most.
WITH gone AS (
    DELETE FROM session_replay_chunks
    WHERE id = ANY (ARRAY(
        SELECT r.id
        FROM unnest(%(session_ids)s::uuid[]) AS s (session_id)
        CROSS JOIN LATERAL (SELECT id FROM session_replay_chunks WHERE session_id = s.session_id OFFSET 0) AS r
        LIMIT %(most)s -- one index probe per session, whatever the planner believes of a young table
    ))
    RETURNING 1
)
SELECT 'session_replay_chunks' AS table, count(*) AS rows FROM gone
