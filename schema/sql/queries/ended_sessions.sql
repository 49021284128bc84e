-- Which of these sessions have ended; held, so that nobody deletes one before its score refers to it.
SELECT session_id FROM sessions WHERE session_id = ANY (%(session_ids)s) AND end_time IS NOT NULL
ORDER BY session_id
FOR KEY SHARE
