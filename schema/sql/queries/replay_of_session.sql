-- A session's replay chunks in order, the first stored first where one is there twice; as text, which keeps every digit.
-- Those that others inserted without an index come last.
SELECT chunk_index, coalesce(chunk_data, 'null')::text
FROM session_replay_chunks
WHERE session_id = %(session_id)s
ORDER BY chunk_index, id
