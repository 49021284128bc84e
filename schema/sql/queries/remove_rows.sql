-- Removes rows of these sessions from one of the tables that refer to them by session_id, so many at the most.
WITH gone AS (
    DELETE FROM {table}
    WHERE id = ANY (ARRAY(
        SELECT r.id
        FROM unnest(%(session_ids)s::uuid[]) AS s (session_id)
        CROSS JOIN LATERAL (SELECT id FROM {table} WHERE session_id = s.session_id OFFSET 0) AS r
        LIMIT %(most)s -- one index probe per session, whatever the planner believes of a young table
    ))
    RETURNING 1
)
SELECT count(*) FROM gone
