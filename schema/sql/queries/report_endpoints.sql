-- Latency by endpoint, first those that kept most calls waiting: calls, weighed by what Apdex lacks.
SELECT api_endpoint, calls, errors, p50_ms, p95_ms, p99_ms, apdex FROM analytics.latency(%(start)s, %(end)s)
ORDER BY calls * (1 - apdex) DESC, calls DESC, api_endpoint LIMIT %(most)s
