-- Removes events of these sessions, so many at the most, found as in remove_rows. Predictions stay, and forget their event.
WITH old AS MATERIALIZED (
    SELECT ARRAY(
        SELECT r.event_id
        FROM unnest(%(session_ids)s::uuid[]) AS s (session_id)
        CROSS JOIN LATERAL (SELECT event_id FROM events WHERE session_id = s.session_id OFFSET 0) AS r
        LIMIT %(most)s
    ) AS ids
), loosened AS (
    UPDATE emotion_predictions SET event_id = NULL WHERE event_id = ANY ((SELECT ids FROM old)::bigint[])
), gone AS (
    DELETE FROM events WHERE event_id = ANY ((SELECT ids FROM old)::bigint[]) RETURNING 1
)
SELECT count(*) FROM gone
