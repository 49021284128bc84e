-- Where COPY puts what must be merged; private to the connection, empty after each commit.
CREATE TEMP TABLE new_users (
    user_id UUID, external_user_id TEXT, first_seen TIMESTAMP,
    email TEXT, email_at TIMESTAMP,
    device_type TEXT, device_type_at TIMESTAMP,
    locale TEXT, locale_at TIMESTAMP
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE new_sessions (
    session_id UUID, first_event TIMESTAMP, last_event TIMESTAMP,
    first_chunk TIMESTAMP, last_chunk TIMESTAMP, last_arrival TIMESTAMP, ended BOOLEAN, events BIGINT, actions BIGINT,
    chunks BIGINT, chunk_bytes BIGINT,
    user_id UUID, user_id_at TIMESTAMP,
    device_id TEXT, device_id_at TIMESTAMP,
    ip_address TEXT, ip_address_at TIMESTAMP,
    user_agent TEXT, user_agent_at TIMESTAMP,
    screen_resolution TEXT, screen_resolution_at TIMESTAMP,
    app_version TEXT, app_version_at TIMESTAMP
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE new_session_users (session_id UUID, user_id UUID) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE new_session_replay_chunks (
    session_id UUID, chunk_index INT, chunk_data JSONB, recorded_at TIMESTAMP, source_offset BIGINT
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE new_rage_click_events (
    session_id UUID, element_id TEXT, screen_name TEXT, click_count INT,
    first_click_time TIMESTAMP, last_click_time TIMESTAMP, run_ordinal INT
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE new_rage_click_bursts (
    session_id UUID, first_time TIMESTAMP, last_time TIMESTAMP
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE new_heatmap_points (
    session_id UUID, screen_name TEXT, kind TEXT, viewport_width INT, viewport_height INT,
    point_key BYTEA, weight BIGINT, sum_x BIGINT, sum_y BIGINT, event_time TIMESTAMP
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE new_journey_steps (
    session_id UUID, step_number INT, screen_name TEXT, event_time TIMESTAMP
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE new_latency_windows (
    window_start TIMESTAMP, screen_name TEXT, api_endpoint TEXT,
    calls BIGINT, errors BIGINT, min_ms INT, max_ms INT, sum_ms BIGINT,
    satisfied BIGINT, tolerating BIGINT, bins INT[], bin_calls BIGINT[]
) ON COMMIT DELETE ROWS;
