-- The screens with most events.
SELECT screen_name AS screen, count(DISTINCT session_id) AS sessions, count(*) AS events,
    count(*) FILTER (WHERE event_type = 'click') AS clicks
FROM events WHERE screen_name IS NOT NULL
GROUP BY screen_name ORDER BY events DESC, screen LIMIT 6
