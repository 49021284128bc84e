-- Screens with most clicks, each with the class of devices and the size of viewport that most of its clicks are from.
WITH clicks AS (
    SELECT h.screen_name, d.device_class, h.viewport_width, h.viewport_height,
        sum(coalesce(h.weight, 1)) AS clicks, array_agg(DISTINCT h.session_id) AS sessions
    FROM analytics.heatmap AS h JOIN analytics.session_devices AS d USING (session_id)
    WHERE h.event_time >= %(start)s AND h.event_time < %(end)s AND h.kind = 'click' AND h.screen_name IS NOT NULL
        AND h.viewport_width > 0 AND h.viewport_height > 0 AND d.is_bot IS NOT TRUE
    GROUP BY h.screen_name, d.device_class, h.viewport_width, h.viewport_height
), classes AS (
    SELECT c.screen_name, c.device_class, sum(c.clicks)::bigint AS clicks,
        rank() OVER (PARTITION BY c.screen_name ORDER BY sum(c.clicks) DESC, c.device_class) AS place,
        sum(sum(c.clicks)) OVER (PARTITION BY c.screen_name) AS of_screen
    FROM clicks AS c GROUP BY c.screen_name, c.device_class
)
SELECT s.screen_name, s.device_class, s.clicks, v.viewport_width, v.viewport_height, (
        SELECT count(DISTINCT i) FROM clicks AS c CROSS JOIN unnest(c.sessions) AS i
        WHERE c.screen_name = s.screen_name AND c.device_class IS NOT DISTINCT FROM s.device_class
    ) AS sessions
FROM classes AS s CROSS JOIN LATERAL (
    SELECT c.viewport_width, c.viewport_height FROM clicks AS c
    WHERE c.screen_name = s.screen_name AND c.device_class IS NOT DISTINCT FROM s.device_class
    ORDER BY c.clicks DESC, c.viewport_width, c.viewport_height LIMIT 1
) AS v
WHERE s.place = 1
ORDER BY s.of_screen DESC, s.screen_name LIMIT %(most)s
