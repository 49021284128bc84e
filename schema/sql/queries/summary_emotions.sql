-- What people felt, by what the model says of their windows.
SELECT predicted_emotion AS emotion, count(*) AS windows, count(DISTINCT session_id) AS sessions,
    round(avg(confidence)::numeric, 2) AS "mean confidence"
FROM emotion_predictions WHERE window_start IS NOT NULL
GROUP BY predicted_emotion ORDER BY windows DESC, emotion
