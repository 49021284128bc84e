-- Rows by table, the 11 in the order of their schema.
SELECT 'users' AS table, count(*) AS rows FROM users
UNION ALL SELECT 'sessions', count(*) FROM sessions
UNION ALL SELECT 'events', count(*) FROM events
UNION ALL SELECT 'rage_click_events', count(*) FROM rage_click_events
UNION ALL SELECT 'heatmap_points', count(*) FROM heatmap_points
UNION ALL SELECT 'journey_steps', count(*) FROM journey_steps
UNION ALL SELECT 'latency_metrics', count(*) FROM latency_metrics
UNION ALL SELECT 'emotion_predictions', count(*) FROM emotion_predictions
UNION ALL SELECT 'experience_scores', count(*) FROM experience_scores
UNION ALL SELECT 'session_replay_chunks', count(*) FROM session_replay_chunks
UNION ALL SELECT 'error_logs', count(*) FROM error_logs
