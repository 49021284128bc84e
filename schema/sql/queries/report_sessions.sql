-- The sessions that went worst.
SELECT s.session_id, s.start_time, coalesce(s.duration_ms, 0) AS duration_ms, NULL AS device,
    (SELECT count(*) FROM journey_steps AS j WHERE j.session_id = s.session_id)::int AS screens,
    (SELECT count(*) FROM events AS e WHERE e.session_id = s.session_id)::int AS events,
    (SELECT count(*) FROM rage_click_events AS r WHERE r.session_id = s.session_id)::int AS rage_clicks,
    (SELECT count(*) FROM error_logs AS l WHERE l.session_id = s.session_id)::int AS errors,
    x.score,
    (SELECT predicted_emotion FROM emotion_predictions AS p WHERE p.session_id = s.session_id GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1) AS emotion
FROM sessions AS s LEFT JOIN experience_scores AS x USING (session_id)
WHERE s.start_time >= %(start)s AND s.start_time < %(end)s
ORDER BY x.score NULLS LAST, s.start_time, s.session_id LIMIT %(most)s
