-- These sessions and those of these people, held against flushes but not against a judge, who holds them the other way
-- round: their marks first.
SELECT session_id FROM sessions
WHERE session_id = ANY (%(session_ids)s::uuid[]) OR user_id = ANY (%(user_ids)s)
ORDER BY session_id
FOR NO KEY UPDATE
