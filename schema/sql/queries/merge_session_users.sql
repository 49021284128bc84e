-- Keeps who was named in a session where that is not one person alone: in this flush, or in it and before. Before the
-- sessions are merged, which keeps the last one named.
INSERT INTO hxi_state.session_users (session_id, user_id)
SELECT session_id, user_id FROM new_session_users
UNION
SELECT n.session_id, person.user_id
FROM new_sessions AS n
JOIN sessions AS s ON s.session_id = n.session_id AND s.user_id <> n.user_id
CROSS JOIN LATERAL (VALUES (s.user_id), (n.user_id)) AS person (user_id)
ORDER BY session_id, user_id
ON CONFLICT DO NOTHING
