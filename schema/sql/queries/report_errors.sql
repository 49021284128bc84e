-- Errors that are one, each with an example's stack and screen.
SELECT g.message, l.stack_trace AS stack, g.times, g.sessions, g.screens, l.screen_name AS screen, g.last_seen
FROM analytics.error_groups(%(start)s, %(end)s) AS g LEFT JOIN error_logs AS l ON l.id = g.example_id
ORDER BY g.sessions DESC, g.times DESC, g.fingerprint LIMIT %(most)s
