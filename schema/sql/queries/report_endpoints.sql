-- Latency by endpoint.
SELECT api_endpoint, calls, errors, p50_ms, p95_ms, p99_ms, apdex FROM analytics.latency(%(start)s, %(end)s)
LIMIT %(most)s
