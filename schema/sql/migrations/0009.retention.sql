-- What `hxi retention` has to know of a session: what is left of it, and that its results are not to be worked out
-- anew from what is left. The index has an entry for a session once it has ended, so flushes of those under way do
-- not pay for it.
-- depends: 0008.session-users

ALTER TABLE sessions
    ADD COLUMN removed TEXT[],
    ADD COLUMN swept SMALLINT,
    ADD COLUMN is_final BOOLEAN;
COMMENT ON COLUMN sessions.removed IS 'The tables that retention has removed rows of this session from; what came later may be there. NULL none.';
COMMENT ON COLUMN sessions.swept IS 'What retention is done with since its newest record, a bit per table (pipeline/sinks/retention.py); NULL nothing.';
COMMENT ON COLUMN sessions.is_final IS 'True once retention has removed events or results of it: the results that are left stay as they are.';

CREATE INDEX idx_sessions_ended ON sessions (coalesce(swept, 0), last_record_at, session_id) WHERE end_time IS NOT NULL;
