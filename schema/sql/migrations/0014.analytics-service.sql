-- How the service behaved: latency over time, and errors that are one error.
-- depends: 0013.analytics-paths

CREATE INDEX idx_error_logs_time ON error_logs (occurred_at);

CREATE FUNCTION analytics.latency_over_time(
    from_time TIMESTAMP, to_time TIMESTAMP, step INTERVAL DEFAULT '1 hour', endpoint TEXT DEFAULT NULL
)
RETURNS TABLE (
    begins TIMESTAMP, calls BIGINT, errors BIGINT, error_share DOUBLE PRECISION, mean_ms DOUBLE PRECISION,
    p50_ms DOUBLE PRECISION, p95_ms DOUBLE PRECISION, p99_ms DOUBLE PRECISION, apdex DOUBLE PRECISION
)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH windows AS (
        SELECT date_bin(step, w.window_start, from_time) AS begins, w.calls, w.errors, w.min_ms, w.max_ms, w.sum_ms,
            w.satisfied, w.tolerating, w.sketch
        FROM hxi_state.latency_windows AS w
        WHERE w.window_start >= from_time AND w.window_start < to_time
            AND (endpoint IS NULL OR w.api_endpoint = endpoint)
    ), bins AS (
        SELECT w.begins, b.bin, sum(b.calls)::bigint AS calls
        FROM windows AS w CROSS JOIN LATERAL unnest((w.sketch).bins, (w.sketch).calls) AS b (bin, calls)
        GROUP BY w.begins, b.bin
    ), sketches AS (
        SELECT b.begins,
            ROW(array_agg(b.bin ORDER BY b.bin), array_agg(b.calls ORDER BY b.bin))::analytics.latency_sketch AS sketch
        FROM bins AS b GROUP BY b.begins
    ), sums AS (
        SELECT w.begins, sum(w.calls)::bigint AS calls, sum(w.errors)::bigint AS errors,
            min(w.min_ms) AS min_ms, max(w.max_ms) AS max_ms, sum(w.sum_ms)::double precision AS sum_ms,
            (sum(w.satisfied) + sum(w.tolerating) / 2.0)::double precision AS content
        FROM windows AS w GROUP BY w.begins
    )
    SELECT s.begins, s.calls, s.errors, s.errors::double precision / s.calls, s.sum_ms / s.calls,
        GREATEST(s.min_ms, LEAST(s.max_ms, analytics.percentile(k.sketch, 0.5))),
        GREATEST(s.min_ms, LEAST(s.max_ms, analytics.percentile(k.sketch, 0.95))),
        GREATEST(s.min_ms, LEAST(s.max_ms, analytics.percentile(k.sketch, 0.99))),
        s.content / s.calls
    FROM sums AS s JOIN sketches AS k USING (begins)
    WHERE hxi_state.demand(
        step > '0' AND isfinite(step) AND extract(year FROM step) = 0 AND extract(month FROM step) = 0,
        'step has to be an interval of more than 0, in days or less: months differ in length'
    )
    ORDER BY s.begins;
END;
COMMENT ON FUNCTION analytics.latency_over_time IS 'Latency of all endpoints together, or of one, by steps of time from from_time on over the minutes in [from_time, to_time) (UTC): calls, failed ones (status 0 or 500 and above) and their share, percentiles from merged sketches, Apdex. Steps without calls are left out. Windows know no sessions: bots'' calls are among them; calls that others put into latency_metrics are not.';

CREATE FUNCTION analytics.without_values(words TEXT) RETURNS TEXT
LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
RETURN regexp_replace(
    regexp_replace(
        -- Followed by :1, or by more of a name, it is a frame, as in f@p.min.js:1:2.
        regexp_replace(words, '[\w.+%-]+@[\w-]+(\.[\w-]+)+(?!\.?[\w-]|:\d|/)', '…', 'g'),
        '(?<!\w)("[^"\n]*"|''[^''\n]*''|`[^`\n]*`)(?!\w)', '…', 'g'
    ),
    '\m([a-f]*[0-9][0-9a-f]*|[a-f]{8,})([-.,:x][0-9a-f]+)*\M|[0-9]+', '#', 'gi'
);
COMMENT ON FUNCTION analytics.without_values IS 'A text without what differs from one time to the next: what is quoted and e-mail addresses become …; numbers, hexadecimal ones that have a decimal digit or eight letters, UUIDs, and lines and columns (12:345) become #.';

CREATE FUNCTION analytics.top_frames(stack TEXT) RETURNS TEXT
LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT string_agg(f.line, E'\n' ORDER BY f.place)
    FROM (
        SELECT btrim(s.line) AS line, s.place
        FROM string_to_table(left(stack, 8000), E'\n') WITH ORDINALITY AS s (line, place)
        WHERE s.line ~ '^\s*at\s|@|:\d+:\d+\)?\s*$'
        ORDER BY s.place LIMIT 3
    ) AS f
);
COMMENT ON FUNCTION analytics.top_frames IS 'The first three frames of a stack trace: lines like "at f (file:1:2)", "f@file:1:2" or "file:1:2".';

CREATE FUNCTION analytics.error_groups(from_time TIMESTAMP, to_time TIMESTAMP, with_bots BOOLEAN DEFAULT false)
RETURNS TABLE (
    fingerprint TEXT, message TEXT, times BIGINT, sessions BIGINT, screens BIGINT, first_seen TIMESTAMP,
    last_seen TIMESTAMP, example_id BIGINT
)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH reports AS (
        SELECT l.error_message, l.stack_trace, array_agg(l.session_id) AS sessions, array_agg(l.screen_name) AS screens,
            min(l.occurred_at) AS first_seen, max(l.occurred_at) AS last_seen, max(l.id) AS example_id
        FROM error_logs AS l
        WHERE l.occurred_at >= from_time AND l.occurred_at < to_time
            AND (with_bots OR NOT EXISTS (SELECT FROM analytics.bot_sessions AS b WHERE b.session_id = l.session_id))
        GROUP BY l.error_message, l.stack_trace
    ), errors AS MATERIALIZED ( -- 15 us each: once for all that are the same to the letter
        SELECT analytics.without_values(split_part(left(r.error_message, 2000), E'\n', 1)) AS message,
            analytics.without_values(analytics.top_frames(r.stack_trace)) AS frames,
            r.sessions, r.screens, r.first_seen, r.last_seen, r.example_id
        FROM reports AS r
    )
    SELECT md5(concat_ws(E'\n', e.message, e.frames)), e.message,
        count(*), count(DISTINCT s.session_id), count(DISTINCT s.screen_name),
        min(e.first_seen), max(e.last_seen), max(e.example_id)
    FROM errors AS e CROSS JOIN LATERAL unnest(e.sessions, e.screens) AS s (session_id, screen_name)
    GROUP BY e.message, e.frames
    ORDER BY count(DISTINCT s.session_id) DESC, count(*) DESC, 1;
END;
COMMENT ON FUNCTION analytics.error_groups IS 'Errors in [from_time, to_time) (UTC) that are one error, most sessions first: its fingerprint, its message without values, times, sessions and screens, when it was first and last seen in that time, and the row of error_logs that has the newest example. One error has the same first line of its message and the same three top frames, once analytics.without_values has been through both.';
