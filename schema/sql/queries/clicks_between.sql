-- The clicks of sessions within stretches of time, both ends included.
SELECT e.event_id, e.session_id, e.timestamp, e.event_uuid, e.screen_name, e.element_id, e.x, e.y
FROM unnest(%(session_ids)s::uuid[], %(from_times)s::timestamp[], %(to_times)s::timestamp[])
    AS r (session_id, from_time, to_time)
CROSS JOIN LATERAL (
    SELECT * FROM events
    WHERE event_type = 'click' AND session_id = r.session_id AND timestamp BETWEEN r.from_time AND r.to_time
    OFFSET 0 -- one index probe per stretch, whatever the planner believes of a young table
) AS e
