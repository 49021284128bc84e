-- These sessions and those in which these people were named, held against flushes but not against a judge, who holds them
-- the other way round: their marks first.
SELECT session_id FROM sessions
WHERE session_id = ANY (%(session_ids)s::uuid[])
    OR user_id = ANY (%(user_ids)s)
    OR session_id = ANY (ARRAY(SELECT session_id FROM hxi_state.session_users WHERE user_id = ANY (%(user_ids)s)))
ORDER BY session_id
FOR NO KEY UPDATE
