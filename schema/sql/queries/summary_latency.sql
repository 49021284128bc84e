-- The slowest endpoints, over all minutes.
SELECT api_endpoint AS endpoint, calls, round(p50_ms) AS p50_ms, round(p95_ms) AS p95_ms,
    round(p99_ms) AS p99_ms, errors AS failed, round(apdex::numeric, 2) AS apdex
FROM analytics.latency('-infinity', 'infinity') ORDER BY p95_ms DESC LIMIT 6
