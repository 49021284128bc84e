-- The longest sessions that have ended.
SELECT left(s.session_id::text, 8) AS session, coalesce(u.external_user_id, '-') AS user,
    s.start_time::timestamp(0) AS "start (UTC)", round(s.duration_ms / 1000.0) AS seconds,
    (SELECT count(*) FROM events AS e WHERE e.session_id = s.session_id) AS events,
    (SELECT count(*) FROM session_replay_chunks AS c WHERE c.session_id = s.session_id) AS chunks,
    (SELECT count(*) FROM error_logs AS l WHERE l.session_id = s.session_id) AS errors,
    (SELECT e.score FROM experience_scores AS e WHERE e.session_id = s.session_id AND e.derived) AS score
FROM sessions AS s LEFT JOIN users AS u USING (user_id)
WHERE s.duration_ms IS NOT NULL
ORDER BY s.duration_ms DESC, s.session_id LIMIT 6
