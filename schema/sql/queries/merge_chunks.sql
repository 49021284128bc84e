-- The same chunk of a session twice is stored once, the first one kept.
INSERT INTO session_replay_chunks (session_id, chunk_index, chunk_data, recorded_at, source_offset)
SELECT session_id, chunk_index, chunk_data, recorded_at, source_offset
FROM new_session_replay_chunks
ORDER BY source_offset
ON CONFLICT (session_id, chunk_index) WHERE source_offset IS NOT NULL DO NOTHING
