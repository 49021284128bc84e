-- A session's replay chunks in order, the first stored first where one is there twice; as text, which keeps every digit.
SELECT chunk_index, chunk_data::text
FROM session_replay_chunks
WHERE session_id = %(session_id)s AND chunk_index IS NOT NULL AND chunk_data IS NOT NULL
ORDER BY chunk_index, id
