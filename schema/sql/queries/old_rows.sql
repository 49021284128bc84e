-- How many rows of each table are older than the moments given; NULL removes none. Sessions that are still to be judged
-- are among them.
WITH old AS MATERIALIZED (
    SELECT session_id, user_id, last_record_at
    FROM sessions
    WHERE end_time IS NOT NULL AND last_record_at < GREATEST(
        %(sessions)s::timestamp, %(events)s, %(latency_metrics)s, %(error_logs)s, %(rage_click_events)s,
        %(heatmap_points)s, %(journey_steps)s, %(emotion_predictions)s, %(session_replay_chunks)s
    )
), gone AS (
    SELECT session_id, user_id FROM old WHERE last_record_at < %(sessions)s
)
SELECT 'users' AS table, count(*) AS rows
FROM (SELECT user_id, count(*) AS sessions FROM gone GROUP BY user_id) AS g
WHERE g.sessions = (SELECT count(*) FROM sessions AS s WHERE s.user_id = g.user_id)
UNION ALL SELECT 'sessions', count(*) FROM gone
UNION ALL SELECT 'experience_scores', count(*) FROM experience_scores JOIN gone USING (session_id)
UNION ALL SELECT 'events', count(*) FROM events JOIN old USING (session_id)
    WHERE last_record_at < GREATEST(%(events)s::timestamp, %(sessions)s)
UNION ALL SELECT 'latency_metrics', count(*) FROM latency_metrics JOIN old USING (session_id)
    WHERE last_record_at < GREATEST(%(latency_metrics)s::timestamp, %(sessions)s)
UNION ALL SELECT 'error_logs', count(*) FROM error_logs JOIN old USING (session_id)
    WHERE last_record_at < GREATEST(%(error_logs)s::timestamp, %(sessions)s)
UNION ALL SELECT 'rage_click_events', count(*) FROM rage_click_events JOIN old USING (session_id)
    WHERE last_record_at < GREATEST(%(rage_click_events)s::timestamp, %(sessions)s)
UNION ALL SELECT 'heatmap_points', count(*) FROM heatmap_points JOIN old USING (session_id)
    WHERE last_record_at < GREATEST(%(heatmap_points)s::timestamp, %(sessions)s)
UNION ALL SELECT 'journey_steps', count(*) FROM journey_steps JOIN old USING (session_id)
    WHERE last_record_at < GREATEST(%(journey_steps)s::timestamp, %(sessions)s)
UNION ALL SELECT 'emotion_predictions', count(*) FROM emotion_predictions JOIN old USING (session_id)
    WHERE last_record_at < GREATEST(%(emotion_predictions)s::timestamp, %(sessions)s)
UNION ALL SELECT 'session_replay_chunks', count(*) FROM session_replay_chunks JOIN old USING (session_id)
    WHERE last_record_at < GREATEST(%(session_replay_chunks)s::timestamp, %(sessions)s)
UNION ALL SELECT 'latency_rollups', count(*) FROM hxi_state.latency_windows WHERE window_start < %(rollups)s
