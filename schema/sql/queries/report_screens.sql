-- The screens with most clicks, and the viewport that most of their sessions had.
SELECT screen_name, NULL AS device_class, count(DISTINCT session_id) AS sessions, sum(weight)::bigint AS clicks,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY viewport_width) AS viewport_width,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY viewport_height) AS viewport_height
FROM heatmap_points
WHERE event_time >= %(start)s AND event_time < %(end)s AND kind = 'click' AND screen_name IS NOT NULL
GROUP BY screen_name
ORDER BY clicks DESC, screen_name LIMIT %(most)s
