-- The people named in these sessions whom no flush holds; waits for nobody.
SELECT user_id
FROM users
WHERE user_id = ANY (ARRAY(
    SELECT user_id FROM sessions WHERE session_id = ANY (%(session_ids)s)
    UNION
    SELECT user_id FROM hxi_state.session_users WHERE session_id = ANY (%(session_ids)s)
))
FOR UPDATE SKIP LOCKED
