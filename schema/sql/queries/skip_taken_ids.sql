-- Moves the serial ids past those that others have inserted by hand.
SELECT
    setval(pg_get_serial_sequence('events', 'event_id'), greatest(nextval(pg_get_serial_sequence('events', 'event_id')), (SELECT max(event_id) FROM events))),
    setval(pg_get_serial_sequence('rage_click_events', 'id'), greatest(nextval(pg_get_serial_sequence('rage_click_events', 'id')), (SELECT max(id) FROM rage_click_events))),
    setval(pg_get_serial_sequence('heatmap_points', 'id'), greatest(nextval(pg_get_serial_sequence('heatmap_points', 'id')), (SELECT max(id) FROM heatmap_points))),
    setval(pg_get_serial_sequence('journey_steps', 'id'), greatest(nextval(pg_get_serial_sequence('journey_steps', 'id')), (SELECT max(id) FROM journey_steps))),
    setval(pg_get_serial_sequence('latency_metrics', 'id'), greatest(nextval(pg_get_serial_sequence('latency_metrics', 'id')), (SELECT max(id) FROM latency_metrics))),
    setval(pg_get_serial_sequence('error_logs', 'id'), greatest(nextval(pg_get_serial_sequence('error_logs', 'id')), (SELECT max(id) FROM error_logs))),
    setval(pg_get_serial_sequence('session_replay_chunks', 'id'), greatest(nextval(pg_get_serial_sequence('session_replay_chunks', 'id')), (SELECT max(id) FROM session_replay_chunks))),
    setval(pg_get_serial_sequence('emotion_predictions', 'id'), greatest(nextval(pg_get_serial_sequence('emotion_predictions', 'id')), (SELECT max(id) FROM emotion_predictions))),
    setval(pg_get_serial_sequence('experience_scores', 'id'), greatest(nextval(pg_get_serial_sequence('experience_scores', 'id')), (SELECT max(id) FROM experience_scores)))
