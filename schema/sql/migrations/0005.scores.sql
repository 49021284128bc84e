-- Scores are worked out some time after the rows that they follow from, so it is written down
-- which sessions have changed since. Committed with the change, it outlives every crash.
-- depends: 0004.results

CREATE TABLE hxi_state.unjudged (
    session_id UUID PRIMARY KEY
);
COMMENT ON TABLE hxi_state.unjudged IS 'Sessions that have changed since they were judged.';

ALTER TABLE experience_scores ADD COLUMN derived BOOLEAN;
COMMENT ON COLUMN experience_scores.derived IS 'True where HXI keeps the row up to date; NULL where others inserted it.';
COMMENT ON COLUMN experience_scores.issues IS 'What cost points: code, count, points, first_at (UTC), screens. 100 less all points is the score.';
CREATE UNIQUE INDEX idx_experience_scores_once ON experience_scores (session_id) WHERE derived;

CREATE INDEX idx_latency_metrics_session ON latency_metrics (session_id);

INSERT INTO hxi_state.unjudged (session_id) SELECT session_id FROM sessions WHERE end_time IS NOT NULL;
