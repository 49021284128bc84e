-- Where people rage most.
SELECT coalesce(screen_name, '-') AS screen, coalesce(element_id, '-') AS element, count(*) AS rage_clicks,
    count(DISTINCT session_id) AS sessions, round(avg(click_count), 1) AS clicks_each
FROM rage_click_events GROUP BY screen_name, element_id ORDER BY rage_clicks DESC, screen, element LIMIT 6
