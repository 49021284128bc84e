-- What happened in these sessions, the first of each.
SELECT session_id, at, kind, label
FROM (
    SELECT m.*, row_number() OVER (PARTITION BY m.session_id ORDER BY m.at, m.kind, m.label) AS place
    FROM (
        SELECT j.session_id, j.event_time AS at, 'screen' AS kind, j.screen_name AS label
        FROM journey_steps AS j WHERE j.session_id = ANY (%(sessions)s)
        UNION ALL
        SELECT r.session_id, r.first_click_time, 'rage_click', r.element_id
        FROM rage_click_events AS r WHERE r.session_id = ANY (%(sessions)s)
        UNION ALL
        SELECT l.session_id, l.occurred_at, 'error', left(l.error_message, 300)
        FROM error_logs AS l WHERE l.session_id = ANY (%(sessions)s)
    ) AS m
    WHERE m.at IS NOT NULL
) AS m
WHERE place <= %(most)s
ORDER BY session_id, place
