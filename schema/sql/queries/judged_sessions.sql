-- Those of these sessions that nobody has to judge. Asked when they are held: a flush might have marked one until then.
SELECT session_id
FROM unnest(%(session_ids)s::uuid[]) AS held (session_id)
WHERE NOT EXISTS (SELECT FROM hxi_state.unjudged AS u WHERE u.session_id = held.session_id)
