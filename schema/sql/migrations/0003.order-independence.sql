-- What it takes for facts to come out the same in any order, and twice to be once.
-- Added columns stay NULL on rows that others insert: no index or rule below touches those.
-- depends: 0002.ledger

ALTER TABLE events
    ADD COLUMN event_uuid UUID,
    ADD COLUMN viewport_width INT,
    ADD COLUMN viewport_height INT,
    ADD COLUMN client_time TIMESTAMP;
COMMENT ON COLUMN events.client_time IS 'By the client''s clock, where that was wrong and timestamp is corrected.';
COMMENT ON COLUMN events.event_uuid IS 'The client''s own id: the same one twice in a session is one event.';

ALTER TABLE users
    ADD COLUMN email_at TIMESTAMP,
    ADD COLUMN device_type_at TIMESTAMP,
    ADD COLUMN locale_at TIMESTAMP;
COMMENT ON COLUMN users.created_at IS 'Earliest event time that named this user (UTC).';
COMMENT ON COLUMN users.email_at IS 'Event time of the fact beside it; the latest wins.';

ALTER TABLE sessions
    ADD COLUMN last_event_time TIMESTAMP,
    ADD COLUMN last_chunk_time TIMESTAMP,
    ADD COLUMN last_record_at TIMESTAMP,
    ADD COLUMN ended_by_event BOOLEAN,
    ADD COLUMN event_count BIGINT,
    ADD COLUMN action_count BIGINT,
    ADD COLUMN chunk_count BIGINT,
    ADD COLUMN chunk_bytes BIGINT,
    ADD COLUMN user_id_at TIMESTAMP,
    ADD COLUMN device_id_at TIMESTAMP,
    ADD COLUMN ip_address_at TIMESTAMP,
    ADD COLUMN user_agent_at TIMESTAMP,
    ADD COLUMN screen_resolution_at TIMESTAMP,
    ADD COLUMN app_version_at TIMESTAMP;
COMMENT ON COLUMN sessions.last_record_at IS 'Arrival time of its newest record: quiet is measured from here.';
COMMENT ON COLUMN sessions.event_count IS 'Events stored of it, by which a session is kept within its limit.';
COMMENT ON COLUMN sessions.action_count IS 'Clicks and views among them.';
COMMENT ON COLUMN sessions.chunk_count IS 'Replay chunks stored of it, by which a session is kept within its limit.';
COMMENT ON COLUMN sessions.chunk_bytes IS 'Bytes of them as JSON.';
COMMENT ON COLUMN sessions.device_id_at IS 'Event time of the fact beside it; the latest wins.';

CREATE INDEX idx_sessions_open ON sessions (last_record_at) WHERE end_time IS NULL;

ALTER TABLE session_replay_chunks ADD COLUMN source_offset BIGINT;
COMMENT ON COLUMN session_replay_chunks.source_offset IS 'Offset of the Kafka record; NULL where others inserted the row.';
CREATE UNIQUE INDEX idx_replay_chunks_once ON session_replay_chunks (session_id, chunk_index)
    WHERE source_offset IS NOT NULL;

CREATE FUNCTION hxi_state.fact_wins(old TEXT, old_at TIMESTAMP, new TEXT, new_at TIMESTAMP) RETURNS BOOLEAN
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN new IS NOT NULL AND (
    old IS NULL OR old_at IS NULL OR new_at > old_at
    OR (new_at = old_at AND new COLLATE "C" > old COLLATE "C")
);
COMMENT ON FUNCTION hxi_state.fact_wins IS 'The fact of the later event time stands; at equal times the greater text.';

CREATE FUNCTION hxi_state.session_start(old sessions, new sessions) RETURNS TIMESTAMP
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN new.last_event_time IS NULL AND old.last_event_time IS NOT NULL THEN old.start_time
    WHEN new.last_event_time IS NOT NULL AND old.last_event_time IS NULL THEN new.start_time
    ELSE LEAST(old.start_time, new.start_time)
END;
COMMENT ON FUNCTION hxi_state.session_start IS 'Earliest event; replay chunks count only until the first event.';

CREATE FUNCTION hxi_state.session_end(old sessions, new sessions) RETURNS TIMESTAMP
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN old.ended_by_event OR new.ended_by_event THEN coalesce(
    GREATEST(old.last_event_time, new.last_event_time),
    GREATEST(old.last_chunk_time, new.last_chunk_time)
) END;
COMMENT ON FUNCTION hxi_state.session_end IS 'Latest event once a session_end was seen, else NULL: quiet is judged later.';
