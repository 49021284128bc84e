-- How far down a screen people got.
SELECT depth_px, sessions, share FROM analytics.scroll_depths(%(start)s, %(end)s, %(screen_name)s, %(device_class)s)
WHERE depth_px <= %(deepest_px)s
