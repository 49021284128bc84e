-- Those of these people who are named in no session but these. Asked when they are held: a flush might have made one
-- until then.
SELECT user_id
FROM unnest(%(user_ids)s::uuid[]) AS held (user_id)
WHERE NOT EXISTS (
        SELECT FROM sessions AS s WHERE s.user_id = held.user_id AND s.session_id <> ALL (%(session_ids)s)
    )
    AND NOT EXISTS (
        SELECT FROM hxi_state.session_users AS named
        WHERE named.user_id = held.user_id AND named.session_id <> ALL (%(session_ids)s)
    )
