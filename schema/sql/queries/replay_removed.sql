-- Whether retention has removed the replay of a session; no row where there is no such session.
SELECT coalesce(removed, 0) & 1 <> 0 FROM sessions WHERE session_id = %(session_id)s
