-- Where on a screen people clicked.
SELECT least(floor(x::float / viewport_width * %(columns)s), %(columns)s - 1)::int AS column, y / %(cell_px)s AS row,
    sum(weight)::bigint AS clicks
FROM heatmap_points
WHERE event_time >= %(start)s AND event_time < %(end)s AND kind = 'click' AND screen_name = %(screen_name)s
    AND viewport_width > 0 AND x >= 0 AND y >= 0
GROUP BY 1, 2
