-- The figures of a period that come first.
WITH began AS (
    SELECT session_id, user_id FROM sessions WHERE start_time >= %(start)s AND start_time < %(end)s
), happened AS (
    SELECT count(*) AS events, count(*) FILTER (WHERE event_type = 'click') AS clicks
    FROM events WHERE timestamp >= %(start)s AND timestamp < %(end)s
), called AS (
    SELECT coalesce(sum(calls), 0)::bigint AS calls, coalesce(sum(errors), 0)::bigint AS failed_calls,
        analytics.percentile(analytics.merged(sketch), 0.95) AS p95_ms
    FROM latency_rollups WHERE window_start >= %(start)s AND window_start < %(end)s
)
SELECT
    (SELECT count(*) FROM began) AS sessions,
    (SELECT count(DISTINCT user_id) FROM began) AS people,
    happened.events, happened.clicks,
    (SELECT count(*) FROM rage_click_events WHERE first_click_time >= %(start)s AND first_click_time < %(end)s)
        AS rage_clicks,
    (SELECT count(DISTINCT session_id) FROM error_logs JOIN began USING (session_id)) AS sessions_with_errors,
    called.calls, called.failed_calls, called.p95_ms,
    (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY score) FROM experience_scores JOIN began USING (session_id))
        AS median_score
FROM happened, called
