-- The slowest endpoints.
SELECT api_endpoint AS endpoint, count(*) AS calls,
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY latency_ms)) AS p50_ms,
    round(percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms)) AS p95_ms,
    count(*) FILTER (WHERE status_code = 0 OR status_code >= 500) AS failed
FROM latency_metrics GROUP BY api_endpoint ORDER BY p95_ms DESC LIMIT 6
