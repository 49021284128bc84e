-- The named views of sessions from a time on.
SELECT e.session_id, e.timestamp, e.event_uuid, e.screen_name
FROM unnest(%(session_ids)s::uuid[], %(times)s::timestamp[]) AS r (session_id, time)
CROSS JOIN LATERAL (
    SELECT * FROM events
    WHERE event_type IN ('page_view', 'screen_view') AND session_id = r.session_id
        AND timestamp BETWEEN r.time AND '9999-12-31' -- others may insert what no client can say
    OFFSET 0
) AS e
WHERE e.screen_name IS NOT NULL
