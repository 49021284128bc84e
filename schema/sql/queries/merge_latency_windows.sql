-- Windows are sums over all sessions and partitions. All writers touch the same ones: sorted, so
-- that they cannot deadlock.
INSERT INTO hxi_state.latency_windows AS w (
    window_start, screen_name, api_endpoint, calls, errors, min_ms, max_ms, sum_ms, satisfied, tolerating, sketch
)
SELECT
    window_start, screen_name, api_endpoint, calls, errors, min_ms, max_ms, sum_ms, satisfied, tolerating,
    ROW(bins, bin_calls)::analytics.latency_sketch
FROM new_latency_windows
ORDER BY window_start, screen_name, api_endpoint
ON CONFLICT (window_start, screen_name, api_endpoint) DO UPDATE SET
    calls = w.calls + EXCLUDED.calls,
    errors = w.errors + EXCLUDED.errors,
    min_ms = LEAST(w.min_ms, EXCLUDED.min_ms),
    max_ms = GREATEST(w.max_ms, EXCLUDED.max_ms),
    sum_ms = w.sum_ms + EXCLUDED.sum_ms,
    satisfied = w.satisfied + EXCLUDED.satisfied,
    tolerating = w.tolerating + EXCLUDED.tolerating,
    sketch = analytics.merge_sketches(w.sketch, EXCLUDED.sketch)
