-- The figures of a period that come first: sessions that began in it, what happened in it, without bots.
WITH began AS (
    SELECT s.session_id, s.user_id, coalesce(cardinality(s.removed) > 0, false) AS is_incomplete
    FROM sessions AS s
    WHERE s.start_time >= %(start)s AND s.start_time < %(end)s
        AND NOT EXISTS (SELECT FROM analytics.bot_sessions AS b WHERE b.session_id = s.session_id)
), happened AS (
    SELECT count(*) AS events, count(*) FILTER (WHERE e.event_type = 'click') AS clicks
    FROM events AS e
    WHERE e.timestamp >= %(start)s AND e.timestamp < %(end)s
        AND NOT EXISTS (SELECT FROM analytics.bot_sessions AS b WHERE b.session_id = e.session_id)
), raged AS (
    SELECT coalesce(sum(rage_clicks), 0)::bigint AS rage_clicks FROM analytics.rage_hot_spots(%(start)s, %(end)s)
), broken AS (
    SELECT count(*) AS sessions FROM began AS s
    WHERE EXISTS (
        SELECT FROM error_logs AS l
        WHERE l.session_id = s.session_id AND l.occurred_at >= %(start)s AND l.occurred_at < %(end)s
    )
), scored AS (
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x.score) AS median
    FROM experience_scores AS x JOIN began AS s USING (session_id)
)
SELECT (SELECT count(*) FROM began) AS sessions, (SELECT count(DISTINCT user_id) FROM began) AS people,
    happened.events, happened.clicks, raged.rage_clicks, broken.sessions AS sessions_with_errors,
    coalesce(called.calls, 0) AS calls, coalesce(called.errors, 0) AS failed_calls, called.p95_ms,
    scored.median AS median_score, (SELECT count(*) FROM began WHERE is_incomplete) AS incomplete
FROM happened CROSS JOIN raged CROSS JOIN broken CROSS JOIN scored
LEFT JOIN analytics.latency_over_time(%(start)s, %(end)s, %(end)s - %(start)s) AS called ON true
