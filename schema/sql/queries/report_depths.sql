-- How far down a screen people got.
SELECT depth_px, sessions, share FROM analytics.scroll_depth WHERE screen_name = %(screen_name)s ORDER BY depth_px
