-- The sessions that went worst: the lowest scores, and of equal ones the longest.
SELECT o.session_id, o.start_time, o.duration_ms, nullif(concat_ws(' · ', o.browser, o.os, o.device_class), '') AS device,
    o.screens, o.events, o.rage_clicks, o.errors, o.score, o.main_emotion AS emotion, coalesce(o.replay_chunks > 0, false) AS recorded
FROM analytics.session_overview AS o
WHERE o.start_time >= %(start)s AND o.start_time < %(end)s AND o.is_bot IS NOT TRUE
ORDER BY o.score NULLS LAST, o.duration_ms DESC NULLS LAST, o.session_id LIMIT %(most)s
