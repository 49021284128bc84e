-- Latency over time.
SELECT api_endpoint, date_bin(%(step)s, window_start, %(start)s) AS at, sum(calls)::bigint AS calls, sum(errors)::bigint AS errors,
    analytics.percentile(analytics.merged(sketch), 0.5) AS p50_ms,
    analytics.percentile(analytics.merged(sketch), 0.95) AS p95_ms,
    analytics.percentile(analytics.merged(sketch), 0.99) AS p99_ms
FROM latency_rollups WHERE window_start >= %(start)s AND window_start < %(end)s AND api_endpoint = ANY(%(endpoints)s)
GROUP BY 1, 2 ORDER BY 1, 2
