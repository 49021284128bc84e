-- Latency of endpoints over time.
SELECT e.api_endpoint, l.begins AS at, l.calls, l.errors, l.p50_ms, l.p95_ms, l.p99_ms
FROM unnest(%(endpoints)s::text[]) WITH ORDINALITY AS e (api_endpoint, place)
CROSS JOIN LATERAL analytics.latency_over_time(%(start)s, %(end)s, %(step)s, e.api_endpoint) AS l
ORDER BY e.place, l.begins
