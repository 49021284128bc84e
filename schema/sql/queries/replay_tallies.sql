-- How much replay of these sessions was written.
SELECT session_id, coalesce(chunk_count, 0), coalesce(chunk_bytes, 0)
FROM sessions
WHERE session_id = ANY (%(session_ids)s)
