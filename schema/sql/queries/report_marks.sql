-- What happened in these sessions.
SELECT session_id, at, kind, label FROM (
    SELECT session_id, event_time AS at, 'screen' AS kind, screen_name AS label FROM journey_steps
    WHERE session_id = ANY(%(sessions)s)
    UNION ALL
    SELECT session_id, first_click_time, 'rage_click', element_id FROM rage_click_events
    WHERE session_id = ANY(%(sessions)s)
    UNION ALL
    SELECT session_id, occurred_at, 'error', left(error_message, 300) FROM error_logs
    WHERE session_id = ANY(%(sessions)s)
) AS marks
ORDER BY session_id, at, kind, label
