-- How many sessions have changed since they were judged, or are to be ended: nothing has come of them for long enough.
SELECT (SELECT count(*) FROM hxi_state.unjudged) + (
    SELECT count(*) FROM sessions
    WHERE end_time IS NULL AND last_record_at <= timezone('UTC', now()) - make_interval(secs => %(timeout_s)s)
) AS sessions
