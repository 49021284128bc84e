-- Points are sums: adding what is new leaves the mean of all.
INSERT INTO heatmap_points AS h (
    session_id, screen_name, x, y, weight, event_time,
    kind, viewport_width, viewport_height, sum_x, sum_y, point_key
)
SELECT
    session_id, screen_name, floor(sum_x / weight::float8 + 0.5), floor(sum_y / weight::float8 + 0.5), weight, event_time,
    kind, viewport_width, viewport_height, sum_x, sum_y, point_key
FROM new_heatmap_points
ON CONFLICT (session_id, point_key) WHERE point_key IS NOT NULL DO UPDATE SET
    x = floor((h.sum_x + EXCLUDED.sum_x) / (h.weight + EXCLUDED.weight) + 0.5),
    y = floor((h.sum_y + EXCLUDED.sum_y) / (h.weight + EXCLUDED.weight) + 0.5),
    weight = h.weight + EXCLUDED.weight,
    event_time = LEAST(h.event_time, EXCLUDED.event_time),
    sum_x = h.sum_x + EXCLUDED.sum_x,
    sum_y = h.sum_y + EXCLUDED.sum_y
