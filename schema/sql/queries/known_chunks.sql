-- Which of these replay chunks are in the table already.
SELECT c.session_id, c.chunk_index
FROM session_replay_chunks AS c
JOIN unnest(%(session_ids)s::uuid[], %(chunk_indexes)s::int[]) AS k (session_id, chunk_index)
    USING (session_id, chunk_index)
WHERE c.source_offset IS NOT NULL
