-- What the tables know of sessions that a worker meets for the first time: their newest
-- event, and the client's ids of the events within the allowed lateness of it.
SELECT s.session_id, s.last_event_time, e.timestamp, e.event_uuid
FROM sessions AS s
LEFT JOIN events AS e ON e.session_id = s.session_id
    AND e.event_uuid IS NOT NULL
    AND e.timestamp >= s.last_event_time - make_interval(secs => %(lateness_s)s)
WHERE s.session_id = ANY (%(session_ids)s) AND s.last_event_time IS NOT NULL
