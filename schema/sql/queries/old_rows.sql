-- How many rows of each table are older than the moments given; NULL removes none. Sessions that are still to be judged
-- are among them.
WITH old AS MATERIALIZED (
    SELECT session_id, user_id,
        (last_record_at < %(events)s AND coalesce(removed, 0) & 2 = 0) IS TRUE AS loses_events,
        (last_record_at < %(replays)s AND coalesce(removed, 0) & 1 = 0) IS TRUE AS loses_replays,
        (last_record_at < %(sessions)s) IS TRUE AS goes
    FROM sessions
    WHERE end_time IS NOT NULL AND last_record_at < GREATEST(%(events)s::timestamp, %(replays)s, %(sessions)s)
), without_events AS (
    SELECT session_id FROM old WHERE goes OR loses_events
), without_replays AS (
    SELECT session_id FROM old WHERE goes OR loses_replays
), gone AS (
    SELECT session_id, user_id FROM old WHERE goes
)
SELECT 'users' AS table, count(*) AS rows
FROM (SELECT user_id, count(*) AS sessions FROM gone GROUP BY user_id) AS g
WHERE g.sessions = (SELECT count(*) FROM sessions AS s WHERE s.user_id = g.user_id)
UNION ALL SELECT 'sessions', count(*) FROM gone
UNION ALL SELECT 'events', count(*) FROM events JOIN without_events USING (session_id)
UNION ALL SELECT 'rage_click_events', count(*) FROM rage_click_events JOIN gone USING (session_id)
UNION ALL SELECT 'heatmap_points', count(*) FROM heatmap_points JOIN gone USING (session_id)
UNION ALL SELECT 'journey_steps', count(*) FROM journey_steps JOIN gone USING (session_id)
UNION ALL SELECT 'latency_metrics', count(*) FROM latency_metrics JOIN without_events USING (session_id)
UNION ALL SELECT 'emotion_predictions', count(*) FROM emotion_predictions JOIN gone USING (session_id)
UNION ALL SELECT 'experience_scores', count(*) FROM experience_scores JOIN gone USING (session_id)
UNION ALL SELECT 'session_replay_chunks', count(*) FROM session_replay_chunks JOIN without_replays USING (session_id)
UNION ALL SELECT 'error_logs', count(*) FROM error_logs JOIN without_events USING (session_id)
UNION ALL SELECT 'latency_rollups', count(*) FROM hxi_state.latency_windows WHERE window_start < %(rollups)s
