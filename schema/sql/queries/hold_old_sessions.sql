-- Those of these sessions that are old still and that nobody else holds; waits for nobody.
SELECT session_id
FROM sessions
WHERE session_id = ANY (%(session_ids)s) AND end_time IS NOT NULL AND last_record_at < %(before)s
FOR UPDATE SKIP LOCKED
