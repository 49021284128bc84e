-- Latency by endpoint, the busiest first.
SELECT api_endpoint, calls, errors, p50_ms, p95_ms, p99_ms, apdex FROM analytics.latency(%(start)s, %(end)s)
ORDER BY calls DESC, api_endpoint LIMIT %(most)s
