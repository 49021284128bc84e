-- Where people rage.
SELECT screen_name, element_id, rage_clicks, mean_clicks, sessions, share
FROM analytics.rage_hot_spots(%(start)s, %(end)s)
ORDER BY sessions DESC, rage_clicks DESC, screen_name, element_id LIMIT %(most)s
