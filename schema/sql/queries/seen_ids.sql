-- What the tables know of sessions that a worker meets for the first time: their newest event,
-- by the corrected clock and by the client's, how many there are, whether they name a device, and the
-- ids of the events near the newest by the client's clock: the one that a repeated event has in common.
WITH e AS (
    SELECT session_id, event_uuid, client, max(client) OVER (PARTITION BY session_id) AS newest
    FROM (
        SELECT session_id, event_uuid, coalesce(client_time, timestamp) AS client
        FROM events
        WHERE session_id = ANY (%(session_ids)s)
            AND timestamp BETWEEN '2000-01-01' AND '9999-12-31' -- others may insert what no client can say
    ) AS known
)
SELECT s.session_id, s.last_event_time, e.newest, coalesce(s.event_count, 0), coalesce(s.action_count, 0),
    coalesce(s.device_id, '') <> '',
    e.client, e.event_uuid
FROM sessions AS s
JOIN e ON e.session_id = s.session_id AND e.client >= e.newest - make_interval(secs => %(within_s)s)
WHERE s.last_event_time IS NOT NULL AND (e.event_uuid IS NOT NULL OR e.client = e.newest)
