-- Whether retention has removed the replay of a session; no row where there is no such session.
SELECT coalesce('session_replay_chunks' = ANY (removed), false) FROM sessions WHERE session_id = %(session_id)s
