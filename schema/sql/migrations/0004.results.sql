-- What results need to be told apart, added to and merged. As before, added columns stay NULL
-- on rows that others insert, and no index or rule below touches those.
-- Rows from before this migration are left as they are: results begin with the first event after it.
-- depends: 0003.order-independence

CREATE INDEX idx_events_ordered ON events (session_id, timestamp)
    WHERE event_type IN ('click', 'page_view', 'screen_view');
COMMENT ON INDEX idx_events_ordered IS 'Finds what is near a new event whose order matters.';

ALTER TABLE rage_click_events ADD COLUMN run_ordinal INT;
COMMENT ON COLUMN rage_click_events.run_ordinal IS 'Numbers, from 0, rage clicks of a screen that begin at one instant; NULL where others inserted the row.';
CREATE UNIQUE INDEX idx_rage_clicks_once ON rage_click_events (session_id, first_click_time, screen_name, run_ordinal)
    NULLS NOT DISTINCT WHERE run_ordinal IS NOT NULL;

ALTER TABLE heatmap_points
    ADD COLUMN kind VARCHAR(50),
    ADD COLUMN viewport_width INT,
    ADD COLUMN viewport_height INT,
    ADD COLUMN sum_x BIGINT,
    ADD COLUMN sum_y BIGINT,
    ADD COLUMN point_key BYTEA;
COMMENT ON COLUMN heatmap_points.kind IS 'click, scroll or mouse_move; a scroll has its position in y and no x.';
COMMENT ON COLUMN heatmap_points.viewport_width IS 'CSS pixels; x is relative to it on other screens.';
COMMENT ON COLUMN heatmap_points.weight IS 'Events in this point.';
COMMENT ON COLUMN heatmap_points.sum_x IS 'x is this by weight, rounded.';
COMMENT ON COLUMN heatmap_points.event_time IS 'Earliest event of the point (UTC).';
COMMENT ON COLUMN heatmap_points.point_key IS 'Digest of kind, screen and viewport, then ten seconds and cell; NULL where others inserted the row.';
CREATE UNIQUE INDEX idx_heatmap_points_once ON heatmap_points (session_id, point_key) WHERE point_key IS NOT NULL;

ALTER TABLE journey_steps ADD COLUMN derived BOOLEAN;
COMMENT ON COLUMN journey_steps.derived IS 'True where HXI keeps the row up to date; NULL where others inserted it.';
CREATE UNIQUE INDEX idx_journey_steps_once ON journey_steps (session_id, step_number) WHERE derived;

CREATE SCHEMA analytics;
COMMENT ON SCHEMA analytics IS 'Views and functions over the tables, for analysts.';

CREATE TYPE analytics.latency_sketch AS (bins INT[], calls BIGINT[]);
COMMENT ON TYPE analytics.latency_sketch IS 'A DDSketch of milliseconds, relative error 1 %: bins in rising order, and the calls in each. Bin -1 holds 0 ms, bin i those in (g^(i-1), g^i] with g = 1.01 / 0.99.';
COMMENT ON COLUMN analytics.latency_sketch.bins IS 'Numbers of the bins that hold calls, rising.';
COMMENT ON COLUMN analytics.latency_sketch.calls IS 'Calls in each of those bins.';

CREATE FUNCTION analytics.merge_sketches(a analytics.latency_sketch, b analytics.latency_sketch)
RETURNS analytics.latency_sketch
LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT ROW(array_agg(s.bin ORDER BY s.bin), array_agg(s.calls ORDER BY s.bin))::analytics.latency_sketch
    FROM (
        SELECT u.bin, sum(u.calls)::bigint AS calls
        FROM unnest((a).bins || (b).bins, (a).calls || (b).calls) AS u (bin, calls)
        GROUP BY u.bin
    ) AS s
);
COMMENT ON FUNCTION analytics.merge_sketches IS 'The sketch of both sketches'' calls: exact, in any order.';

CREATE FUNCTION analytics.gather_sketches(a analytics.latency_sketch, b analytics.latency_sketch)
RETURNS analytics.latency_sketch
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    -- There are no more than 1 076 bins, and two sketches merged at a time cost fifty times as much.
    IF cardinality(a.bins) + cardinality(b.bins) > 1500 THEN
        RETURN analytics.merge_sketches(a, b);
    END IF;
    a.bins := a.bins || b.bins;
    a.calls := a.calls || b.calls;
    RETURN a;
END
$$;
COMMENT ON FUNCTION analytics.gather_sketches IS 'The calls of both sketches, of which bins may come several times and in no order: what analytics.merged gathers on its way.';

CREATE FUNCTION analytics.gathered(sketch analytics.latency_sketch) RETURNS analytics.latency_sketch
LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
RETURN analytics.merge_sketches(sketch, ROW(ARRAY[]::int[], ARRAY[]::bigint[])::analytics.latency_sketch);
COMMENT ON FUNCTION analytics.gathered IS 'A sketch of what analytics.gather_sketches has gathered.';

CREATE AGGREGATE analytics.merged(analytics.latency_sketch) (
    SFUNC = analytics.gather_sketches,
    STYPE = analytics.latency_sketch,
    FINALFUNC = analytics.gathered,
    COMBINEFUNC = analytics.gather_sketches,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE analytics.merged(analytics.latency_sketch) IS 'The sketch of all calls in a group of sketches.';

CREATE FUNCTION analytics.percentile(sketch analytics.latency_sketch, fraction DOUBLE PRECISION)
RETURNS DOUBLE PRECISION
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    gamma CONSTANT DOUBLE PRECISION := 1.01 / 0.99;
    bins CONSTANT INT[] := sketch.bins;
    calls CONSTANT BIGINT[] := sketch.calls;
    total BIGINT := 0;
    few BIGINT;
    place DOUBLE PRECISION;
    upto BIGINT := 0;
    here DOUBLE PRECISION;
    lower DOUBLE PRECISION;
BEGIN
    IF NOT fraction BETWEEN 0 AND 1 THEN
        RAISE numeric_value_out_of_range USING MESSAGE = format('fraction %s is not between 0 and 1', fraction);
    END IF;
    IF calls IS NULL THEN
        RETURN NULL;
    END IF;
    FOREACH few IN ARRAY calls LOOP
        total := total + few;
    END LOOP;
    place := fraction * (total - 1);
    FOR i IN 1 .. coalesce(cardinality(bins), 0) LOOP
        upto := upto + calls[i];
        IF upto > floor(place) THEN
            here := CASE WHEN bins[i] < 0 THEN 0 ELSE 2 * gamma ^ bins[i] / (1 + gamma) END;
            lower := coalesce(lower, here);
            IF upto > ceil(place) THEN
                RETURN lower + (here - lower) * (place - floor(place));
            END IF;
        END IF;
    END LOOP;
    RETURN lower;
END
$$;
COMMENT ON FUNCTION analytics.percentile IS 'Milliseconds within 1 % of percentile_cont(fraction) over the calls themselves.';

CREATE TABLE hxi_state.latency_windows (
    window_start TIMESTAMP NOT NULL,
    screen_name VARCHAR(255),
    api_endpoint TEXT NOT NULL,
    calls BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    min_ms INT NOT NULL,
    max_ms INT NOT NULL,
    sum_ms BIGINT NOT NULL,
    satisfied BIGINT NOT NULL,
    tolerating BIGINT NOT NULL,
    sketch analytics.latency_sketch NOT NULL,
    UNIQUE NULLS NOT DISTINCT (window_start, screen_name, api_endpoint)
) WITH (fillfactor = 70);
COMMENT ON TABLE hxi_state.latency_windows IS 'What latency_rollups shows: sums, to which every flush adds. Filled up to 70 % to be updated in place.';

CREATE VIEW latency_rollups AS
SELECT
    window_start, screen_name, api_endpoint, calls, errors, min_ms, max_ms,
    sum_ms::double precision / calls AS mean_ms,
    GREATEST(min_ms, LEAST(max_ms, analytics.percentile(sketch, 0.5))) AS p50_ms,
    GREATEST(min_ms, LEAST(max_ms, analytics.percentile(sketch, 0.95))) AS p95_ms,
    GREATEST(min_ms, LEAST(max_ms, analytics.percentile(sketch, 0.99))) AS p99_ms,
    (satisfied + tolerating / 2.0)::double precision / calls AS apdex,
    sum_ms, satisfied, tolerating, sketch
FROM hxi_state.latency_windows;
COMMENT ON VIEW latency_rollups IS 'API calls per minute (UTC, by event time), screen and endpoint. Sums and sketches merge over any rows; averages, percentiles and apdex do not.';
COMMENT ON COLUMN latency_rollups.window_start IS 'Start of the minute (UTC) in which the calls were made.';
COMMENT ON COLUMN latency_rollups.screen_name IS 'The screen on which they were made; NULL where none was named.';
COMMENT ON COLUMN latency_rollups.api_endpoint IS 'Without query, ids in it replaced by :id; other, where a minute has too many.';
COMMENT ON COLUMN latency_rollups.calls IS 'Number of calls.';
COMMENT ON COLUMN latency_rollups.errors IS 'Calls among them with status 0 or 500 and above.';
COMMENT ON COLUMN latency_rollups.min_ms IS 'The fastest, in milliseconds.';
COMMENT ON COLUMN latency_rollups.max_ms IS 'The slowest, in milliseconds.';
COMMENT ON COLUMN latency_rollups.mean_ms IS 'Mean in milliseconds; does not merge over rows, sum_ms by calls does.';
COMMENT ON COLUMN latency_rollups.p50_ms IS 'Median in milliseconds, within 1 %; does not merge, sketch does.';
COMMENT ON COLUMN latency_rollups.p95_ms IS '95th percentile in milliseconds, within 1 %; does not merge, sketch does.';
COMMENT ON COLUMN latency_rollups.p99_ms IS '99th percentile in milliseconds, within 1 %; does not merge, sketch does.';
COMMENT ON COLUMN latency_rollups.apdex IS '(satisfied + tolerating / 2) / calls: 1 is all fast, 0 all too slow.';
COMMENT ON COLUMN latency_rollups.sum_ms IS 'Sum of all milliseconds.';
COMMENT ON COLUMN latency_rollups.satisfied IS 'Calls within Apdex''s T (HXI_APDEX_T_MS when they came).';
COMMENT ON COLUMN latency_rollups.tolerating IS 'Calls above T and within 4 T.';
COMMENT ON COLUMN latency_rollups.sketch IS 'All calls as a sketch: analytics.merged(sketch) merges rows, analytics.percentile(sketch, fraction) reads it.';

CREATE FUNCTION analytics.latency(from_time TIMESTAMP, to_time TIMESTAMP)
RETURNS TABLE (
    api_endpoint TEXT, calls BIGINT, errors BIGINT, min_ms INT, max_ms INT, mean_ms DOUBLE PRECISION,
    p50_ms DOUBLE PRECISION, p95_ms DOUBLE PRECISION, p99_ms DOUBLE PRECISION, apdex DOUBLE PRECISION,
    error_share DOUBLE PRECISION
)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH windows AS (
        SELECT * FROM hxi_state.latency_windows AS w WHERE w.window_start >= from_time AND w.window_start < to_time
    ), bins AS (
        SELECT w.api_endpoint, b.bin, sum(b.calls)::bigint AS calls
        FROM windows AS w CROSS JOIN LATERAL unnest((w.sketch).bins, (w.sketch).calls) AS b (bin, calls)
        GROUP BY w.api_endpoint, b.bin
    ), sketches AS (
        SELECT b.api_endpoint,
            ROW(array_agg(b.bin ORDER BY b.bin), array_agg(b.calls ORDER BY b.bin))::analytics.latency_sketch AS sketch
        FROM bins AS b GROUP BY b.api_endpoint
    ), sums AS (
        SELECT w.api_endpoint, sum(w.calls)::bigint AS calls, sum(w.errors)::bigint AS errors,
            min(w.min_ms) AS min_ms, max(w.max_ms) AS max_ms, sum(w.sum_ms)::bigint AS sum_ms,
            sum(w.satisfied)::bigint AS satisfied, sum(w.tolerating)::bigint AS tolerating
        FROM windows AS w GROUP BY w.api_endpoint
    )
    SELECT
        s.api_endpoint, s.calls, s.errors, s.min_ms, s.max_ms, s.sum_ms::double precision / s.calls,
        GREATEST(s.min_ms, LEAST(s.max_ms, analytics.percentile(k.sketch, 0.5))),
        GREATEST(s.min_ms, LEAST(s.max_ms, analytics.percentile(k.sketch, 0.95))),
        GREATEST(s.min_ms, LEAST(s.max_ms, analytics.percentile(k.sketch, 0.99))),
        (s.satisfied + s.tolerating / 2.0)::double precision / s.calls,
        s.errors::double precision / s.calls
    FROM sums AS s JOIN sketches AS k USING (api_endpoint)
    ORDER BY s.calls DESC, s.api_endpoint;
END;
COMMENT ON FUNCTION analytics.latency IS 'Latency by endpoint over the minutes in [from_time, to_time) (UTC), all screens together, most calls first: milliseconds, percentiles from merged sketches, Apdex from 0 to 1, errors (status 0 or 500 and above) and their share. Windows know no sessions: bots'' calls are among them; calls that others put into latency_metrics are not.';

CREATE VIEW analytics.heatmap AS
SELECT
    session_id, screen_name, kind, viewport_width, viewport_height, x, y,
    CASE WHEN viewport_width > 0 THEN x::double precision / viewport_width END AS relative_x,
    weight, event_time
FROM heatmap_points;
COMMENT ON VIEW analytics.heatmap IS 'Heatmap points of all screen sizes in one system: x relative to the viewport''s width (0 to 1), y in CSS pixels from the top of the document.';
COMMENT ON COLUMN analytics.heatmap.session_id IS 'The visit.';
COMMENT ON COLUMN analytics.heatmap.screen_name IS 'The screen.';
COMMENT ON COLUMN analytics.heatmap.kind IS 'click, scroll or mouse_move; NULL where others inserted the point.';
COMMENT ON COLUMN analytics.heatmap.viewport_width IS 'CSS pixels.';
COMMENT ON COLUMN analytics.heatmap.viewport_height IS 'CSS pixels.';
COMMENT ON COLUMN analytics.heatmap.x IS 'CSS pixels from the left of the document; NULL for scrolls.';
COMMENT ON COLUMN analytics.heatmap.y IS 'CSS pixels from the top of the document; of a scroll, its position.';
COMMENT ON COLUMN analytics.heatmap.relative_x IS 'x as a share of the viewport''s width, 0 to 1.';
COMMENT ON COLUMN analytics.heatmap.weight IS 'Events in this point; NULL where others inserted it without: it counts as one.';
COMMENT ON COLUMN analytics.heatmap.event_time IS 'Its earliest event (UTC).';
