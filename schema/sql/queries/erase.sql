-- Removes sessions and people from every table, in one statement: references are checked at its end, so no order
-- of tables matters. A prediction goes with its event, whoever's session others have put it in.
WITH gone_users AS (
    DELETE FROM users WHERE user_id = ANY (%(user_ids)s) RETURNING 1
), gone_sessions AS (
    DELETE FROM sessions WHERE session_id = ANY (%(session_ids)s) RETURNING 1
), gone_events AS (
    DELETE FROM events WHERE session_id = ANY (%(session_ids)s) RETURNING 1
), gone_rage_clicks AS (
    DELETE FROM rage_click_events WHERE session_id = ANY (%(session_ids)s) RETURNING 1
), gone_points AS (
    DELETE FROM heatmap_points WHERE session_id = ANY (%(session_ids)s) RETURNING 1
), gone_steps AS (
    DELETE FROM journey_steps WHERE session_id = ANY (%(session_ids)s) RETURNING 1
), gone_calls AS (
    DELETE FROM latency_metrics WHERE session_id = ANY (%(session_ids)s) RETURNING 1
), gone_predictions AS (
    DELETE FROM emotion_predictions
    WHERE session_id = ANY (%(session_ids)s)
        OR event_id = ANY (ARRAY(SELECT event_id FROM events WHERE session_id = ANY (%(session_ids)s)))
    RETURNING 1
), gone_scores AS (
    DELETE FROM experience_scores WHERE session_id = ANY (%(session_ids)s) RETURNING 1
), gone_chunks AS (
    DELETE FROM session_replay_chunks WHERE session_id = ANY (%(session_ids)s) RETURNING 1
), gone_errors AS (
    DELETE FROM error_logs WHERE session_id = ANY (%(session_ids)s) RETURNING 1
), gone_marks AS (
    DELETE FROM hxi_state.unjudged WHERE session_id = ANY (%(session_ids)s) RETURNING 1
), gone_names AS (
    DELETE FROM hxi_state.session_users
    WHERE session_id = ANY (%(session_ids)s) OR user_id = ANY (%(user_ids)s)
    RETURNING 1
)
SELECT 'users' AS table, count(*) AS rows FROM gone_users
UNION ALL SELECT 'sessions', count(*) FROM gone_sessions
UNION ALL SELECT 'events', count(*) FROM gone_events
UNION ALL SELECT 'rage_click_events', count(*) FROM gone_rage_clicks
UNION ALL SELECT 'heatmap_points', count(*) FROM gone_points
UNION ALL SELECT 'journey_steps', count(*) FROM gone_steps
UNION ALL SELECT 'latency_metrics', count(*) FROM gone_calls
UNION ALL SELECT 'emotion_predictions', count(*) FROM gone_predictions
UNION ALL SELECT 'experience_scores', count(*) FROM gone_scores
UNION ALL SELECT 'session_replay_chunks', count(*) FROM gone_chunks
UNION ALL SELECT 'error_logs', count(*) FROM gone_errors
UNION ALL SELECT 'hxi_state.unjudged', count(*) FROM gone_marks
UNION ALL SELECT 'hxi_state.session_users', count(*) FROM gone_names
