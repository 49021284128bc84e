-- What windows were judged to be.
SELECT predicted_emotion AS emotion, count(*) AS windows, count(DISTINCT session_id) AS sessions, avg(confidence) AS confidence
FROM emotion_predictions
WHERE window_start >= %(start)s AND window_start < %(end)s
GROUP BY predicted_emotion ORDER BY windows DESC, emotion
