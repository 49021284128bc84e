-- Sessions run from their earliest to their latest event (by replay chunks where there is no
-- event yet); facts as in merge_users. A session that went quiet is open again after a record. Returned are those that
-- were not there before, and those whose results are final.
-- A record that is dated far beyond now came now, or its session would never be quiet and never old; an hour is what
-- Kafka's brokers let producers be ahead unless told otherwise.
WITH merged AS (
INSERT INTO sessions AS s (
    session_id, start_time, end_time, duration_ms,
    last_event_time, last_chunk_time, last_record_at, ended_by_event, event_count, action_count, chunk_count, chunk_bytes,
    user_id, user_id_at, device_id, device_id_at, ip_address, ip_address_at,
    user_agent, user_agent_at, screen_resolution, screen_resolution_at, app_version, app_version_at
)
SELECT
    session_id,
    coalesce(first_event, first_chunk),
    CASE WHEN ended THEN coalesce(last_event, last_chunk) END,
    CASE WHEN ended THEN extract(epoch FROM last_event - first_event) * 1000 END,
    last_event, last_chunk, LEAST(last_arrival, now() AT TIME ZONE 'utc' + interval '1 hour'), ended, events, actions, chunks, chunk_bytes,
    user_id, user_id_at, device_id, device_id_at, ip_address, ip_address_at,
    user_agent, user_agent_at, screen_resolution, screen_resolution_at, app_version, app_version_at
FROM new_sessions
ORDER BY session_id
ON CONFLICT (session_id) DO UPDATE SET
    start_time = hxi_state.session_start(s, EXCLUDED),
    end_time = hxi_state.session_end(s, EXCLUDED),
    duration_ms = extract(epoch FROM hxi_state.session_end(s, EXCLUDED) - hxi_state.session_start(s, EXCLUDED)) * 1000,
    last_event_time = GREATEST(s.last_event_time, EXCLUDED.last_event_time),
    last_chunk_time = GREATEST(s.last_chunk_time, EXCLUDED.last_chunk_time),
    last_record_at = GREATEST(s.last_record_at, EXCLUDED.last_record_at),
    swept = NULL,
    ended_by_event = s.ended_by_event IS TRUE OR EXCLUDED.ended_by_event,
    event_count = coalesce(s.event_count, 0) + EXCLUDED.event_count,
    action_count = coalesce(s.action_count, 0) + EXCLUDED.action_count,
    chunk_count = coalesce(s.chunk_count, 0) + EXCLUDED.chunk_count,
    chunk_bytes = coalesce(s.chunk_bytes, 0) + EXCLUDED.chunk_bytes,
    user_id = CASE WHEN hxi_state.fact_wins(s.user_id::text, s.user_id_at, EXCLUDED.user_id::text, EXCLUDED.user_id_at)
        THEN EXCLUDED.user_id ELSE s.user_id END,
    user_id_at = CASE WHEN hxi_state.fact_wins(s.user_id::text, s.user_id_at, EXCLUDED.user_id::text, EXCLUDED.user_id_at)
        THEN EXCLUDED.user_id_at ELSE s.user_id_at END,
    device_id = CASE WHEN hxi_state.fact_wins(s.device_id, s.device_id_at, EXCLUDED.device_id, EXCLUDED.device_id_at)
        THEN EXCLUDED.device_id ELSE s.device_id END,
    device_id_at = CASE WHEN hxi_state.fact_wins(s.device_id, s.device_id_at, EXCLUDED.device_id, EXCLUDED.device_id_at)
        THEN EXCLUDED.device_id_at ELSE s.device_id_at END,
    ip_address = CASE WHEN hxi_state.fact_wins(s.ip_address, s.ip_address_at, EXCLUDED.ip_address, EXCLUDED.ip_address_at)
        THEN EXCLUDED.ip_address ELSE s.ip_address END,
    ip_address_at = CASE WHEN hxi_state.fact_wins(s.ip_address, s.ip_address_at, EXCLUDED.ip_address, EXCLUDED.ip_address_at)
        THEN EXCLUDED.ip_address_at ELSE s.ip_address_at END,
    user_agent = CASE WHEN hxi_state.fact_wins(s.user_agent, s.user_agent_at, EXCLUDED.user_agent, EXCLUDED.user_agent_at)
        THEN EXCLUDED.user_agent ELSE s.user_agent END,
    user_agent_at = CASE WHEN hxi_state.fact_wins(s.user_agent, s.user_agent_at, EXCLUDED.user_agent, EXCLUDED.user_agent_at)
        THEN EXCLUDED.user_agent_at ELSE s.user_agent_at END,
    screen_resolution = CASE WHEN hxi_state.fact_wins(s.screen_resolution, s.screen_resolution_at, EXCLUDED.screen_resolution, EXCLUDED.screen_resolution_at)
        THEN EXCLUDED.screen_resolution ELSE s.screen_resolution END,
    screen_resolution_at = CASE WHEN hxi_state.fact_wins(s.screen_resolution, s.screen_resolution_at, EXCLUDED.screen_resolution, EXCLUDED.screen_resolution_at)
        THEN EXCLUDED.screen_resolution_at ELSE s.screen_resolution_at END,
    app_version = CASE WHEN hxi_state.fact_wins(s.app_version, s.app_version_at, EXCLUDED.app_version, EXCLUDED.app_version_at)
        THEN EXCLUDED.app_version ELSE s.app_version END,
    app_version_at = CASE WHEN hxi_state.fact_wins(s.app_version, s.app_version_at, EXCLUDED.app_version, EXCLUDED.app_version_at)
        THEN EXCLUDED.app_version_at ELSE s.app_version_at END
RETURNING session_id, xmax = 0 AS is_new, is_final IS TRUE AS is_final -- a row that was there has been locked first
)
SELECT session_id, is_new, is_final FROM merged WHERE is_new OR is_final
