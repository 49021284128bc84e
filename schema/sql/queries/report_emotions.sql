-- What windows were judged to be.
SELECT p.predicted_emotion AS emotion, count(*) AS windows, count(DISTINCT p.session_id) AS sessions,
    coalesce(avg(p.confidence), 0) AS confidence
FROM emotion_predictions AS p
WHERE coalesce(p.window_start, p.predicted_at) >= %(start)s AND coalesce(p.window_start, p.predicted_at) < %(end)s
    AND p.predicted_emotion IS NOT NULL
    AND NOT EXISTS (SELECT FROM analytics.bot_sessions AS b WHERE b.session_id = p.session_id)
GROUP BY p.predicted_emotion ORDER BY windows DESC, emotion LIMIT %(most)s
