-- Which of these sessions are there, and whether they have ended; held, so that nobody deletes one
-- before what is judged of it refers to it.
SELECT session_id, end_time IS NOT NULL AS has_ended FROM sessions WHERE session_id = ANY (%(session_ids)s)
ORDER BY session_id
FOR KEY SHARE
