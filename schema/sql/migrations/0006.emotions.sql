-- Emotions are judged by the marks that scores are judged by, which now say from when on. As before,
-- added columns stay NULL on rows that others insert, and no index below touches those.
-- depends: 0005.scores

ALTER TABLE hxi_state.unjudged
    ADD COLUMN changed_from TIMESTAMP,
    ADD COLUMN marked_at TIMESTAMP NOT NULL DEFAULT (now() AT TIME ZONE 'utc');
COMMENT ON COLUMN hxi_state.unjudged.changed_from IS 'Earliest event time (UTC) that has changed since; NULL where no event did: only replay chunks came, or it went quiet.';
COMMENT ON COLUMN hxi_state.unjudged.marked_at IS 'Since when (UTC) it waits to be judged; what changes meanwhile does not begin anew.';
CREATE INDEX idx_unjudged_oldest ON hxi_state.unjudged (marked_at);
COMMENT ON INDEX hxi_state.idx_unjudged_oldest IS 'Finds those that have waited longest: they are judged first.';

ALTER TABLE emotion_predictions
    ADD COLUMN window_start TIMESTAMP,
    ADD COLUMN model_version TEXT,
    ADD COLUMN reasons JSONB;
COMMENT ON COLUMN emotion_predictions.event_id IS 'The event that completed the evidence.';
COMMENT ON COLUMN emotion_predictions.predicted_emotion IS 'How its person acted, by a model; HXI''s own knows simulated people only, which is no evidence about human beings.';
COMMENT ON COLUMN emotion_predictions.confidence IS 'Between 0 and 1; as right as that about people like those the model was trained on.';
COMMENT ON COLUMN emotion_predictions.predicted_at IS 'When this was written or last became another (UTC).';
COMMENT ON COLUMN emotion_predictions.window_start IS 'Start of the 30 seconds (UTC) that were judged; NULL where others inserted the row.';
COMMENT ON COLUMN emotion_predictions.model_version IS 'The model that judged.';
COMMENT ON COLUMN emotion_predictions.reasons IS 'What spoke for it most: feature, its value, what is typical of those trained on, and its weight in log odds.';
CREATE UNIQUE INDEX idx_emotion_predictions_once ON emotion_predictions (session_id, window_start)
    WHERE window_start IS NOT NULL;

CREATE INDEX idx_events_timeline ON events (session_id, timestamp);
COMMENT ON INDEX idx_events_timeline IS 'Finds what is near a new event: its like, whose order matters, and all that an emotion is judged by.';
DROP INDEX idx_events_ordered;

CREATE INDEX idx_latency_metrics_timeline ON latency_metrics (session_id, recorded_at);
DROP INDEX idx_latency_metrics_session;

UPDATE hxi_state.unjudged SET changed_from = '2000-01-01';
INSERT INTO hxi_state.unjudged (session_id, changed_from)
SELECT session_id, '2000-01-01' FROM sessions AS s
WHERE EXISTS (SELECT FROM events AS e WHERE e.session_id = s.session_id)
ON CONFLICT (session_id) DO NOTHING;
