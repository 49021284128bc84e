-- Which of these sessions are there to be judged, and whether they have ended; held, so that nobody deletes one
-- before what is judged of it refers to it. Where retention has removed events or results, they stay as they are.
SELECT session_id, end_time IS NOT NULL AS has_ended
FROM sessions
WHERE session_id = ANY (%(session_ids)s) AND is_final IS NOT TRUE
ORDER BY session_id
FOR KEY SHARE
