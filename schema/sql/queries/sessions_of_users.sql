-- Those of these sessions in which nobody is named but these people.
SELECT session_id
FROM sessions AS s
WHERE session_id = ANY (%(session_ids)s)
    AND (user_id IS NULL OR user_id = ANY (%(user_ids)s))
    AND NOT EXISTS (
        SELECT FROM hxi_state.session_users AS named
        JOIN users USING (user_id)
        WHERE named.session_id = s.session_id AND named.user_id <> ALL (%(user_ids)s)
    )
