-- These people, held so that no flush refers to them; sorted, as writers lock them.
SELECT user_id FROM users
WHERE user_id = ANY (%(user_ids)s) OR external_user_id = ANY (%(external_ids)s)
ORDER BY user_id
FOR UPDATE
