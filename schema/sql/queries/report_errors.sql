-- Errors that are one.
SELECT error_message AS message, min(stack_trace) AS stack, count(*) AS errors, count(DISTINCT session_id) AS sessions,
    array_agg(DISTINCT screen_name) AS screens, min(occurred_at) AS first_at, max(occurred_at) AS last_at
FROM error_logs WHERE occurred_at >= %(start)s AND occurred_at < %(end)s
GROUP BY error_message ORDER BY sessions DESC, errors DESC LIMIT %(most)s
