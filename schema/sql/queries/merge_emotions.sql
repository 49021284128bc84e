-- A window has one prediction, of all that is known of it. Nothing is deleted here: flushes only add events,
-- and what was enough to judge a window stays enough. An event that somebody deletes meanwhile takes its
-- prediction along; those that are left are held until this commits.
INSERT INTO emotion_predictions AS p (
    session_id, window_start, event_id, predicted_emotion, confidence, model_version, reasons
)
SELECT n.session_id, n.window_start, n.event_id, n.predicted_emotion, n.confidence, n.model_version, n.reasons
FROM unnest(
    %(session_id)s::uuid[], %(window_start)s::timestamp[], %(event_id)s::bigint[], %(predicted_emotion)s::text[],
    %(confidence)s::float[], %(model_version)s::text[], %(reasons)s::jsonb[]
) AS n (session_id, window_start, event_id, predicted_emotion, confidence, model_version, reasons)
JOIN hxi_state.hold_events(%(event_id)s::bigint[]) AS held (event_id) USING (event_id)
ON CONFLICT (session_id, window_start) WHERE window_start IS NOT NULL DO UPDATE SET
    event_id = EXCLUDED.event_id,
    predicted_emotion = EXCLUDED.predicted_emotion,
    confidence = EXCLUDED.confidence,
    predicted_at = EXCLUDED.predicted_at,
    model_version = EXCLUDED.model_version,
    reasons = EXCLUDED.reasons
WHERE (p.event_id, p.predicted_emotion, p.confidence, p.model_version, p.reasons)
    IS DISTINCT FROM
    (EXCLUDED.event_id, EXCLUDED.predicted_emotion, EXCLUDED.confidence, EXCLUDED.model_version, EXCLUDED.reasons)
