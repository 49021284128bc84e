-- What `hxi retention` has to know of a session: what is left of it, and that its results are not to be worked out
-- anew from what is left. The index has an entry for a session once it has ended, so flushes of those under way do
-- not pay for it.
-- depends: 0008.session-users

ALTER TABLE sessions
    ADD COLUMN removed SMALLINT,
    ADD COLUMN is_final BOOLEAN;
COMMENT ON COLUMN sessions.removed IS 'What retention has removed since its newest record: 1 replay chunks, 2 events, 3 both; NULL nothing.';
COMMENT ON COLUMN sessions.is_final IS 'True once retention has removed events of it: its results stay as they are.';

CREATE INDEX idx_sessions_ended ON sessions (coalesce(removed, 0), last_record_at, session_id) WHERE end_time IS NOT NULL;
