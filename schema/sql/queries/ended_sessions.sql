-- Which of these sessions have ended.
SELECT session_id FROM sessions WHERE session_id = ANY (%(session_ids)s) AND end_time IS NOT NULL
