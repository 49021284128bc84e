-- The keys of latency windows that would hold more of them than they may, with as many as a flush brings.
SELECT w.window_start, w.screen_name, w.api_endpoint
FROM unnest(%(window_starts)s::timestamp[], %(new_keys)s::bigint[]) AS n (window_start, keys)
CROSS JOIN LATERAL (
    SELECT count(*) AS keys FROM hxi_state.latency_windows WHERE window_start = n.window_start
) AS h
JOIN hxi_state.latency_windows AS w ON w.window_start = n.window_start
WHERE h.keys + n.keys > %(most)s
