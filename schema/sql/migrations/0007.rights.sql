-- Rights: who may do what is said by schema/sql/rights.sql, with which each `hxi migrate` ends; this makes whoever comes
-- from an older version run it. What a person has a right to, being forgotten, must not read whole tables while
-- workers wait: so there is an index for each way on which rows are found then.
-- depends: 0006.emotions

CREATE INDEX idx_users_external ON users (external_user_id);
CREATE INDEX idx_sessions_user ON sessions (user_id);
CREATE INDEX idx_rage_clicks_session ON rage_click_events (session_id);
CREATE INDEX idx_journey_steps_session ON journey_steps (session_id);
CREATE INDEX idx_emotion_predictions_event ON emotion_predictions (event_id);
CREATE INDEX idx_experience_scores_session ON experience_scores (session_id);
CREATE INDEX idx_replay_chunks_session ON session_replay_chunks (session_id);
CREATE INDEX idx_error_logs_session ON error_logs (session_id);

-- These find all rows of a session when they hold all rows; rows of others, whose last column is NULL, never collide.
DROP INDEX idx_heatmap_points_once;
CREATE UNIQUE INDEX idx_heatmap_points_once ON heatmap_points (session_id, point_key);
DROP INDEX idx_emotion_predictions_once;
CREATE UNIQUE INDEX idx_emotion_predictions_once ON emotion_predictions (session_id, window_start);

-- Lets a worker hold events that it refers to: PostgreSQL asks whoever locks rows for the right to change them, which no
-- worker has. What it names is bound here, so that nobody can put a table of theirs in its place.
CREATE FUNCTION hxi_state.hold_events(ids BIGINT[]) RETURNS SETOF BIGINT LANGUAGE SQL SECURITY DEFINER
BEGIN ATOMIC
    SELECT event_id FROM events WHERE event_id = ANY (ids) ORDER BY event_id FOR KEY SHARE;
END;
