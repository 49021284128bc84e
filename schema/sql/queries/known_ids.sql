-- Which of these events, later than the lateness bound, are in the table already.
SELECT e.session_id, e.event_uuid
FROM events AS e
JOIN unnest(%(session_ids)s::uuid[], %(event_uuids)s::uuid[]) AS l (session_id, event_uuid)
    USING (session_id, event_uuid)
