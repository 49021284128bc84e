-- Removes replay chunks of these sessions, so many at the most.
WITH gone AS (
    DELETE FROM session_replay_chunks
    WHERE id = ANY (ARRAY(
        SELECT id FROM session_replay_chunks WHERE session_id = ANY (%(session_ids)s) LIMIT %(most)s
    ))
    RETURNING 1
)
SELECT 'session_replay_chunks' AS table, count(*) AS rows FROM gone
