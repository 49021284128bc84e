-- What the scores of sessions follow from, one kind after another; nothing that only others can have written: whatever
-- columns allow, times are those that clients can say, and nothing is NULL that HXI always writes.
SELECT
    session_id, 'rage_click' AS kind, first_click_time AS time, screen_name, click_count,
    NULL::int AS latency_ms, NULL::int AS status_code, NULL::text AS emotion, NULL::float AS confidence
FROM rage_click_events WHERE session_id = ANY (%(session_ids)s) AND run_ordinal IS NOT NULL
    AND first_click_time BETWEEN '2000-01-01' AND '9999-12-31' AND click_count IS NOT NULL
UNION ALL
SELECT session_id, event_type, timestamp, screen_name, NULL, NULL, NULL, NULL, NULL
FROM events WHERE session_id = ANY (%(session_ids)s) AND event_type IN ('click', 'error')
    AND timestamp BETWEEN '2000-01-01' AND '9999-12-31'
UNION ALL
SELECT session_id, 'call', recorded_at, screen_name, NULL, latency_ms, status_code, NULL, NULL
FROM latency_metrics WHERE session_id = ANY (%(session_ids)s)
    AND recorded_at BETWEEN '2000-01-01' AND '9999-12-31' AND latency_ms IS NOT NULL AND status_code IS NOT NULL
UNION ALL
SELECT p.session_id, 'emotion', p.window_start, e.screen_name, NULL, NULL, NULL, p.predicted_emotion, p.confidence
FROM emotion_predictions AS p LEFT JOIN events AS e USING (event_id)
WHERE p.session_id = ANY (%(session_ids)s) AND p.window_start BETWEEN '2000-01-01' AND '9999-12-31'
    AND p.predicted_emotion IS NOT NULL AND p.confidence IS NOT NULL
UNION ALL
(
    SELECT session_id, 'step', event_time, screen_name, NULL, NULL, NULL, NULL, NULL
    FROM journey_steps WHERE session_id = ANY (%(session_ids)s) AND derived
        AND event_time BETWEEN '2000-01-01' AND '9999-12-31'
    ORDER BY session_id, step_number
)
