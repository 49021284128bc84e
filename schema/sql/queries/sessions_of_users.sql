-- Those of these sessions that are nobody's, or of one of these people.
SELECT session_id
FROM sessions
WHERE session_id = ANY (%(session_ids)s) AND (user_id IS NULL OR user_id = ANY (%(user_ids)s))
