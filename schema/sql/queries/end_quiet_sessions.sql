-- Ends the sessions of which no record came for long enough, judged at the moment up to
-- which every partition has been read. Idempotent, and a later record takes it back.
-- Nobody knows whose a session is, so other applications in this database are waited for too, unless their ledger has not
-- moved for an hour: then they are gone, or have told of it, and what they find later opens their sessions again.
WITH quiet AS (
    SELECT session_id
    FROM sessions
    WHERE end_time IS NULL AND last_record_at <= (
        SELECT min(caught_up_at) - make_interval(secs => %(timeout_s)s)
        FROM hxi_state.ledger
        WHERE CASE WHEN app_id = %(app_id)s THEN topic = ANY (%(topics)s)
            ELSE GREATEST(updated_at, caught_up_at) > now() AT TIME ZONE 'utc' - interval '1 hour' END
        HAVING bool_or(app_id = %(app_id)s) AND count(*) = count(caught_up_at)
    )
    ORDER BY session_id
    LIMIT 5000
    FOR NO KEY UPDATE SKIP LOCKED -- a judge may refer to them meanwhile
), marked AS ( -- none of their events changed: what a mark says of that stays as it is
    INSERT INTO hxi_state.unjudged (session_id)
    SELECT session_id FROM quiet ORDER BY session_id
    ON CONFLICT (session_id) DO UPDATE SET session_id = EXCLUDED.session_id
)
UPDATE sessions AS s
SET end_time = coalesce(s.last_event_time, s.last_chunk_time),
    duration_ms = extract(epoch FROM coalesce(s.last_event_time, s.last_chunk_time) - s.start_time) * 1000
FROM quiet
WHERE s.session_id = quiet.session_id
