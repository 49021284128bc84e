-- Where on a screen people clicked, by cells of its width and of its document's pixels.
SELECT round(g.x * %(columns)s)::int AS column, g.y / %(cell_px)s AS row, g.weight::bigint AS clicks
FROM analytics.heatmap_grid(
    %(start)s, %(end)s, %(screen_name)s, 'click', %(device_class)s, true, %(cell_px)s, %(columns)s
) AS g
WHERE g.y BETWEEN 0 AND %(deepest_px)s
