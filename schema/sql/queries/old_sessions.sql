-- The next sessions that have ended and of which no record came since a moment, by what they have been swept of.
SELECT last_record_at, session_id
FROM sessions
WHERE end_time IS NOT NULL AND coalesce(swept, 0) = %(swept)s
    AND last_record_at < %(before)s AND (last_record_at, session_id) > (%(after)s, %(after_id)s::uuid)
ORDER BY last_record_at, session_id
LIMIT %(most)s
