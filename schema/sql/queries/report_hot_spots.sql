-- Where people rage.
SELECT r.screen_name, r.element_id, count(*) AS rage_clicks, sum(click_count)::bigint AS clicks,
    count(DISTINCT r.session_id) AS sessions,
    count(DISTINCT r.session_id)::float / (SELECT count(DISTINCT j.session_id) FROM journey_steps AS j WHERE j.screen_name = r.screen_name) AS share
FROM rage_click_events AS r
WHERE first_click_time >= %(start)s AND first_click_time < %(end)s
GROUP BY r.screen_name, r.element_id
ORDER BY sessions DESC, rage_clicks DESC, screen_name, element_id LIMIT %(most)s
