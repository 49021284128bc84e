-- What happened in sessions from a time on, in no order: a session's events one after another, each packed as
-- pipeline/emotions/columns.py unpacks it, which is several times as fast as rows of values. API calls come from their
-- own table: it has what they took. Times are those that clients can say, whatever others insert.
SELECT r.session_id, string_agg(t.packed, ''::bytea) AS timeline
FROM unnest(%(session_ids)s::uuid[], %(from_times)s::timestamp[]) AS r (session_id, from_time)
CROSS JOIN LATERAL (
    SELECT
        timestamp_send(timestamp)
        || uuid_send(coalesce(event_uuid, '00000000-0000-0000-0000-000000000000'))
        || int2send((coalesce(array_position(%(types)s::text[], event_type::text), cardinality(%(types)s::text[]) + 1) - 1)::int2)
        || int8send(coalesce(hashtextextended(screen_name, 0), -1))
        || int8send(coalesce(hashtextextended(element_id, 0), -1))
        || float8send(coalesce(x, 'NaN'::float8))
        || float8send(coalesce(y, 'NaN'::float8))
        || float8send(coalesce(scroll_position, 'NaN'::float8))
        || float8send('NaN'::float8)
        || float8send('NaN'::float8)
        || int8send(event_id) AS packed
    FROM (
        SELECT * FROM events
        WHERE session_id = r.session_id AND timestamp BETWEEN GREATEST(r.from_time, '2000-01-01') AND '9999-12-31'
            AND event_type <> 'api_call'
        OFFSET 0 -- one index probe per session, whatever the planner believes of a young table
    ) AS e
    UNION ALL
    SELECT
        timestamp_send(recorded_at)
        || uuid_send('00000000-0000-0000-0000-000000000000')
        || int2send((array_position(%(types)s::text[], 'api_call') - 1)::int2)
        || int8send(coalesce(hashtextextended(screen_name, 0), -1))
        || int8send(-1)
        || float8send('NaN'::float8)
        || float8send('NaN'::float8)
        || float8send('NaN'::float8)
        || float8send(latency_ms)
        || float8send(status_code)
        || int8send(-1)
    FROM (
        SELECT * FROM latency_metrics
        WHERE session_id = r.session_id AND recorded_at BETWEEN GREATEST(r.from_time, '2000-01-01') AND '9999-12-31'
            AND latency_ms IS NOT NULL AND status_code IS NOT NULL
        OFFSET 0
    ) AS l
) AS t
GROUP BY r.session_id
