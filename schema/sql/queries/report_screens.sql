-- Screens by classes of devices with most clicks, each with the size of viewport that most of these are from. Where most of
-- a screen's clicks are from unknown devices, it has one line of all devices, whose class is NULL. Sizes that no window has
-- are left out.
WITH counted AS (
    SELECT h.screen_name, d.device_class, h.viewport_width, h.viewport_height,
        sum(coalesce(h.weight, 1)) AS clicks, array_agg(DISTINCT h.session_id) AS sessions
    FROM analytics.heatmap AS h JOIN analytics.session_devices AS d USING (session_id)
    WHERE h.event_time >= %(start)s AND h.event_time < %(end)s AND coalesce(h.kind, 'click') = 'click' AND h.screen_name IS NOT NULL
        AND h.viewport_width BETWEEN 1 AND %(largest_px)s AND h.viewport_height BETWEEN 1 AND %(largest_px)s
        AND h.x BETWEEN 0 AND h.viewport_width AND h.y IS NOT NULL
        AND d.is_bot IS NOT TRUE
    GROUP BY h.screen_name, d.device_class, h.viewport_width, h.viewport_height
), known AS (
    SELECT screen_name, 2 * coalesce(sum(clicks) FILTER (WHERE device_class IS NULL), 0) <= sum(clicks) AS by_class
    FROM counted GROUP BY screen_name
), clicks AS (
    SELECT c.screen_name, CASE WHEN k.by_class THEN c.device_class END AS device_class,
        c.viewport_width, c.viewport_height, c.clicks, c.sessions
    FROM counted AS c JOIN known AS k USING (screen_name) WHERE c.device_class IS NOT NULL OR NOT k.by_class
)
SELECT c.screen_name, c.device_class, sum(c.clicks)::bigint AS clicks,
    (array_agg(c.viewport_width ORDER BY c.clicks DESC, c.viewport_width, c.viewport_height))[1] AS viewport_width,
    (array_agg(c.viewport_height ORDER BY c.clicks DESC, c.viewport_width, c.viewport_height))[1] AS viewport_height, (
        SELECT count(DISTINCT i) FROM clicks AS o CROSS JOIN unnest(o.sessions) AS i
        WHERE o.screen_name = c.screen_name AND o.device_class IS NOT DISTINCT FROM c.device_class
    ) AS sessions
FROM clicks AS c GROUP BY c.screen_name, c.device_class
ORDER BY clicks DESC, c.screen_name, c.device_class LIMIT %(most)s
