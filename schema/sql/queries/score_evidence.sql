-- What the scores of sessions follow from, one kind after another.
SELECT
    session_id, 'rage_click' AS kind, first_click_time AS time, screen_name,
    NULL::int AS latency_ms, NULL::int AS status_code, NULL::text AS emotion, NULL::float AS confidence
FROM rage_click_events WHERE session_id = ANY (%(session_ids)s) AND run_ordinal IS NOT NULL
UNION ALL
SELECT session_id, event_type, timestamp, screen_name, NULL, NULL, NULL, NULL
FROM events WHERE session_id = ANY (%(session_ids)s) AND event_type IN ('click', 'error')
    AND timestamp BETWEEN '2000-01-01' AND '9999-12-31' -- others may insert what no client can say
UNION ALL
SELECT session_id, 'call', recorded_at, screen_name, latency_ms, status_code, NULL, NULL
FROM latency_metrics WHERE session_id = ANY (%(session_ids)s)
    AND recorded_at BETWEEN '2000-01-01' AND '9999-12-31' AND latency_ms IS NOT NULL AND status_code IS NOT NULL
UNION ALL
SELECT p.session_id, 'emotion', p.window_start, e.screen_name, NULL, NULL, p.predicted_emotion, p.confidence
FROM emotion_predictions AS p LEFT JOIN events AS e USING (event_id)
WHERE p.session_id = ANY (%(session_ids)s) AND p.window_start IS NOT NULL
UNION ALL
(
    SELECT session_id, 'step', event_time, screen_name, NULL, NULL, NULL, NULL
    FROM journey_steps WHERE session_id = ANY (%(session_ids)s) AND derived
    ORDER BY session_id, step_number
)
