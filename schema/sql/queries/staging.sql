-- Where COPY puts what must be merged; private to the connection, empty after each commit.
CREATE TEMP TABLE new_users (
    user_id UUID, external_user_id TEXT, first_seen TIMESTAMP,
    email TEXT, email_at TIMESTAMP,
    device_type TEXT, device_type_at TIMESTAMP,
    locale TEXT, locale_at TIMESTAMP
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE new_sessions (
    session_id UUID, first_event TIMESTAMP, last_event TIMESTAMP,
    first_chunk TIMESTAMP, last_chunk TIMESTAMP, last_arrival TIMESTAMP, ended BOOLEAN,
    user_id UUID, user_id_at TIMESTAMP,
    device_id TEXT, device_id_at TIMESTAMP,
    ip_address TEXT, ip_address_at TIMESTAMP,
    user_agent TEXT, user_agent_at TIMESTAMP,
    screen_resolution TEXT, screen_resolution_at TIMESTAMP,
    app_version TEXT, app_version_at TIMESTAMP
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE new_session_replay_chunks (
    session_id UUID, chunk_index INT, chunk_data JSONB, recorded_at TIMESTAMP, source_offset BIGINT
) ON COMMIT DELETE ROWS;
