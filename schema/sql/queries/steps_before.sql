-- The last step of each session that began before a time.
SELECT s.session_id, s.step_number, s.screen_name, s.event_time
FROM unnest(%(session_ids)s::uuid[], %(times)s::timestamp[]) AS r (session_id, time)
CROSS JOIN LATERAL (
    SELECT * FROM journey_steps
    WHERE derived AND session_id = r.session_id AND event_time < r.time
    ORDER BY step_number DESC
    LIMIT 1
) AS s
