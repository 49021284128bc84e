-- Removes events of these sessions, so many of each table at the most, found as in remove_replays. Predictions stay, and
-- forget their event.
WITH old AS MATERIALIZED (
    SELECT ARRAY(
        SELECT r.event_id
        FROM unnest(%(session_ids)s::uuid[]) AS s (session_id)
        CROSS JOIN LATERAL (SELECT event_id FROM events WHERE session_id = s.session_id OFFSET 0) AS r
        LIMIT %(most)s
    ) AS ids
), loosened AS (
    UPDATE emotion_predictions SET event_id = NULL WHERE event_id = ANY ((SELECT ids FROM old)::bigint[])
), gone_events AS (
    DELETE FROM events WHERE event_id = ANY ((SELECT ids FROM old)::bigint[]) RETURNING 1
), gone_calls AS (
    DELETE FROM latency_metrics
    WHERE id = ANY (ARRAY(
        SELECT r.id
        FROM unnest(%(session_ids)s::uuid[]) AS s (session_id)
        CROSS JOIN LATERAL (SELECT id FROM latency_metrics WHERE session_id = s.session_id OFFSET 0) AS r
        LIMIT %(most)s
    ))
    RETURNING 1
), gone_errors AS (
    DELETE FROM error_logs
    WHERE id = ANY (ARRAY(
        SELECT r.id
        FROM unnest(%(session_ids)s::uuid[]) AS s (session_id)
        CROSS JOIN LATERAL (SELECT id FROM error_logs WHERE session_id = s.session_id OFFSET 0) AS r
        LIMIT %(most)s
    ))
    RETURNING 1
)
SELECT 'events' AS table, count(*) AS rows FROM gone_events
UNION ALL SELECT 'latency_metrics', count(*) FROM gone_calls
UNION ALL SELECT 'error_logs', count(*) FROM gone_errors
