-- What analysts ask of sessions: who was there on what, what went wrong, how good it was, and whether its recording plays.
-- A period is [from_time, to_time) in UTC, and a session belongs to where it starts. Rows of others count.
-- depends: 0010.user-agents

-- Finds the sessions of a period, and pages of them in order.
CREATE INDEX idx_sessions_start ON sessions (start_time);

-- What has to be known of a chunk to tell whether its replay plays, so that nobody has to read recordings for it. Total:
-- any JSON may be a chunk. Metas and snapshots count up to the first incremental event. A loop takes about 1 us per event
-- of rrweb, two thirds of what a query with windows takes.
CREATE FUNCTION hxi_state.replay_outline(chunk_data JSONB) RETURNS JSONB
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    event JSONB;
    kind JSONB;
    at NUMERIC;
    first_at NUMERIC;
    last_at NUMERIC;
    events INT := 0;
    out_of_order BOOLEAN := false;
    incremental BOOLEAN := false;
    meta BOOLEAN := false;
    snapshot BOOLEAN := false;
    snapshot_after_meta BOOLEAN := false;
BEGIN
    FOR event IN SELECT jsonb_array_elements(
        CASE jsonb_typeof(chunk_data) WHEN 'array' THEN chunk_data ELSE jsonb_build_array(chunk_data) END
    ) LOOP
        kind := event -> 'type';
        IF jsonb_typeof(event) = 'string' THEN
            RETURN '{"problem": "packed"}';
        ELSIF jsonb_typeof(kind) IS DISTINCT FROM 'number'
            OR jsonb_typeof(event -> 'timestamp') IS DISTINCT FROM 'number'
            OR event -> 'timestamp' NOT BETWEEN '0' AND '1e16'
            OR kind = '2' AND jsonb_typeof(event #> '{data,node}') IS DISTINCT FROM 'object'
            OR kind = '4' AND (
                jsonb_typeof(event #> '{data,width}') IS DISTINCT FROM 'number'
                OR jsonb_typeof(event #> '{data,height}') IS DISTINCT FROM 'number'
            )
        THEN
            RETURN '{"problem": "unreadable"}';
        END IF;
        events := events + 1;
        at := (event -> 'timestamp')::numeric;
        out_of_order := out_of_order OR coalesce(at < last_at, false);
        first_at := LEAST(first_at, at);
        last_at := GREATEST(last_at, at);
        IF kind = '3' THEN
            incremental := true;
        ELSIF kind = '4' AND NOT incremental THEN
            meta := true;
        ELSIF kind = '2' AND NOT incremental THEN
            snapshot := true;
            snapshot_after_meta := snapshot_after_meta OR meta;
        END IF;
    END LOOP;
    RETURN jsonb_build_object(
        'events', events, 'first_at', first_at, 'last_at', last_at, 'out_of_order', out_of_order,
        'incremental', incremental, 'meta', meta, 'snapshot', snapshot, 'snapshot_after_meta', snapshot_after_meta
    );
END
$$;

ALTER TABLE session_replay_chunks
    ADD COLUMN outline JSONB GENERATED ALWAYS AS (hxi_state.replay_outline(chunk_data)) STORED;

CREATE VIEW analytics.replays AS
SELECT s.session_id, s.start_time, r.chunks, r.reason IS NULL AS is_playable, r.reason
FROM sessions AS s
CROSS JOIN LATERAL (
    SELECT
        count(*) AS chunks,
        CASE
            WHEN 'session_replay_chunks' = ANY (s.removed) THEN 'removed'
            WHEN count(c.chunk_index) > count(DISTINCT c.chunk_index) THEN 'repeated_chunk'
            WHEN min(c.chunk_index) IS DISTINCT FROM 0 OR max(c.chunk_index) <> count(c.chunk_index) - 1
                OR count(c.chunk_index) < count(*)
                THEN 'missing_chunk'
            WHEN bool_or(c.problem = 'packed') THEN 'packed'
            WHEN bool_or(c.problem = 'unreadable') THEN 'unreadable'
            WHEN sum(c.events) < 2 THEN 'too_few_events'
            WHEN bool_or(c.before_any_change AND c.snapshot) IS NOT TRUE THEN 'no_full_snapshot'
            WHEN bool_or(c.before_any_change AND (c.snapshot_after_meta OR c.snapshot AND c.after_meta)) IS NOT TRUE
                THEN 'no_meta'
            WHEN bool_or(c.out_of_order OR c.first_at < c.last_before) THEN 'out_of_order'
        END AS reason
    FROM (
        SELECT
            k.chunk_index, k.problem, k.events, k.snapshot, k.snapshot_after_meta, k.out_of_order, k.first_at,
            bool_or(k.incremental) OVER earlier IS NOT TRUE AS before_any_change,
            bool_or(k.meta) OVER earlier IS TRUE AS after_meta,
            max(k.last_at) OVER earlier AS last_before
        FROM (
            SELECT k.chunk_index, o.problem, o.events, o.snapshot, o.snapshot_after_meta, o.out_of_order, o.first_at,
                o.incremental, o.meta, o.last_at
            FROM session_replay_chunks AS k
            CROSS JOIN LATERAL jsonb_to_record(k.outline) AS o (
                problem TEXT, events BIGINT, first_at NUMERIC, last_at NUMERIC, out_of_order BOOLEAN, incremental BOOLEAN,
                meta BOOLEAN, snapshot BOOLEAN, snapshot_after_meta BOOLEAN
            )
            WHERE k.session_id = s.session_id
        ) AS k
        WINDOW earlier AS (ORDER BY k.chunk_index ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ) AS c
) AS r
WHERE r.chunks > 0;
COMMENT ON VIEW analytics.replays IS 'Sessions with a recording, and whether it can be played: chunks from 0 without gap or repetition, of rrweb events in the order of their times, a meta event and then a full snapshot before the first change. A session that goes on may lack a chunk that is on its way.';
COMMENT ON COLUMN analytics.replays.session_id IS 'The visit.';
COMMENT ON COLUMN analytics.replays.start_time IS 'Of the session (UTC).';
COMMENT ON COLUMN analytics.replays.chunks IS 'Chunks that are there.';
COMMENT ON COLUMN analytics.replays.is_playable IS 'Whether it can be played; false, too, where it cannot be told.';
COMMENT ON COLUMN analytics.replays.reason IS 'Why not, the first of: removed (by retention, but for what came later), repeated_chunk, missing_chunk, packed (compressed by the recorder: nobody can look into it here), unreadable (no rrweb events, a full snapshot without its page, a meta event without a size), too_few_events, no_full_snapshot, no_meta, out_of_order. NULL where it can be played.';

CREATE FUNCTION analytics.unplayable_replays(
    from_time TIMESTAMP, to_time TIMESTAMP, with_bots BOOLEAN DEFAULT false
) RETURNS TABLE (reason TEXT, sessions BIGINT, share DOUBLE PRECISION)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH judged AS (
        SELECT r.reason, count(*) AS sessions
        FROM analytics.replays AS r
        WHERE r.start_time >= from_time AND r.start_time < to_time
            AND (with_bots OR NOT EXISTS (SELECT FROM analytics.bot_sessions AS b WHERE b.session_id = r.session_id))
        GROUP BY r.reason
    ), of_all AS (
        SELECT j.reason, j.sessions, j.sessions / sum(j.sessions) OVER () AS share FROM judged AS j
    )
    SELECT o.reason, o.sessions, o.share::double precision FROM of_all AS o WHERE o.reason IS NOT NULL
    ORDER BY o.sessions DESC, o.reason;
END;
COMMENT ON FUNCTION analytics.unplayable_replays IS 'Why replays of sessions that start in [from_time, to_time), UTC, cannot be played: reasons as in analytics.replays, sessions of each, and their share of all replays of the period.';

-- How often HXI's score of a session found a kind of trouble; NULL without such a score.
CREATE FUNCTION hxi_state.scored_troubles(session_id UUID, code TEXT) RETURNS BIGINT
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(sum((i ->> 'count')::bigint), 0)::bigint
    FROM experience_scores AS x
    LEFT JOIN LATERAL jsonb_array_elements(x.issues) AS i ON i ->> 'code' = scored_troubles.code
    WHERE x.session_id = scored_troubles.session_id AND x.derived
    HAVING count(*) > 0;
END;

-- Worked out column by column, each by an index on the session: whoever asks for few sessions or few columns pays for those.
CREATE VIEW analytics.session_overview AS
SELECT
    s.session_id, u.external_user_id, d.browser, d.browser_version, d.os, d.device_class, d.is_bot,
    s.start_time, s.end_time, s.duration_ms,
    CASE WHEN ('journey_steps' = ANY (s.removed)) IS NOT TRUE
        THEN (SELECT count(DISTINCT j.screen_name) FROM journey_steps AS j WHERE j.session_id = s.session_id)
    END AS screens,
    coalesce(s.event_count, (SELECT count(*) FROM events AS e WHERE e.session_id = s.session_id)) AS events,
    CASE WHEN 'rage_click_events' = ANY (s.removed) THEN hxi_state.scored_troubles(s.session_id, 'rage_click')
        ELSE (SELECT count(*) FROM rage_click_events AS r WHERE r.session_id = s.session_id)
    END AS rage_clicks,
    CASE WHEN 'error_logs' = ANY (s.removed) THEN hxi_state.scored_troubles(s.session_id, 'js_error')
        ELSE (SELECT count(*) FROM error_logs AS l WHERE l.session_id = s.session_id)
    END AS errors,
    (
        SELECT x.score FROM experience_scores AS x WHERE x.session_id = s.session_id
        ORDER BY x.derived IS TRUE DESC, x.generated_at DESC NULLS LAST, x.id DESC LIMIT 1
    ) AS score,
    CASE WHEN ('emotion_predictions' = ANY (s.removed)) IS NOT TRUE THEN (
        SELECT p.predicted_emotion FROM emotion_predictions AS p
        WHERE p.session_id = s.session_id AND p.predicted_emotion IS NOT NULL
        GROUP BY p.predicted_emotion
        ORDER BY count(*) DESC, sum(p.confidence) DESC NULLS LAST, p.predicted_emotion LIMIT 1
    ) END AS main_emotion,
    (SELECT count(*) FROM session_replay_chunks AS c WHERE c.session_id = s.session_id) AS replay_chunks
FROM sessions AS s
LEFT JOIN hxi_state.user_agents AS d ON d.digest = sha256(convert_to(s.user_agent, 'UTF8'))
LEFT JOIN users AS u ON u.user_id = s.user_id;
COMMENT ON VIEW analytics.session_overview IS 'A line per session: who, on what, when, and how it went. Fast for one session, for a period of start_time, and for pages in its order.';
COMMENT ON COLUMN analytics.session_overview.session_id IS 'The visit.';
COMMENT ON COLUMN analytics.session_overview.external_user_id IS 'The person''s id in your own system; NULL where nobody was named.';
COMMENT ON COLUMN analytics.session_overview.browser IS 'Family of the browser or application, such as Chrome or Mobile Safari; NULL unknown.';
COMMENT ON COLUMN analytics.session_overview.browser_version IS 'Its major and minor version, such as 131.0; NULL unknown.';
COMMENT ON COLUMN analytics.session_overview.os IS 'Family of the operating system, such as Windows or iOS; NULL unknown.';
COMMENT ON COLUMN analytics.session_overview.device_class IS 'desktop, mobile, tablet, or other (televisions, consoles, watches); NULL unknown. Safari on an iPad says that it is a desktop.';
COMMENT ON COLUMN analytics.session_overview.is_bot IS 'Whether a list knows the user agent as a bot, crawler, monitor or automated browser; NULL unknown.';
COMMENT ON COLUMN analytics.session_overview.start_time IS 'Time of its earliest event (UTC).';
COMMENT ON COLUMN analytics.session_overview.end_time IS 'Time of its latest event (UTC); NULL while it is open.';
COMMENT ON COLUMN analytics.session_overview.duration_ms IS 'From start to end in milliseconds; NULL while it is open.';
COMMENT ON COLUMN analytics.session_overview.screens IS 'Different screens that were viewed; NULL where retention has removed steps.';
COMMENT ON COLUMN analytics.session_overview.events IS 'Events that were stored of it, those that retention has removed since included.';
COMMENT ON COLUMN analytics.session_overview.rage_clicks IS 'Rage clicks; where retention has removed some, those that cost its score points, and NULL where HXI did not score it.';
COMMENT ON COLUMN analytics.session_overview.errors IS 'Errors; where retention has removed some, those that cost its score points, and NULL where HXI did not score it.';
COMMENT ON COLUMN analytics.session_overview.score IS 'Experience score, 0 (bad) to 100; NULL while it is open.';
COMMENT ON COLUMN analytics.session_overview.main_emotion IS 'The emotion predicted for most of its windows of 30 seconds; of several, the one with the greatest confidence. NULL where there is none, or retention has removed some.';
COMMENT ON COLUMN analytics.session_overview.replay_chunks IS 'Chunks of its recording that are there.';

CREATE FUNCTION analytics.emotion_timeline(session_id UUID)
RETURNS TABLE (
    window_start TIMESTAMP, window_end TIMESTAMP, predicted_emotion VARCHAR, confidence DOUBLE PRECISION,
    screen_name VARCHAR, reasons JSONB
)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        coalesce(p.window_start, e.timestamp, p.predicted_at), p.window_start + interval '30 seconds',
        p.predicted_emotion, p.confidence, e.screen_name, p.reasons
    FROM emotion_predictions AS p LEFT JOIN events AS e ON e.event_id = p.event_id
    WHERE p.session_id = emotion_timeline.session_id
    ORDER BY 1, p.id;
END;
COMMENT ON FUNCTION analytics.emotion_timeline IS 'What a session''s emotion was judged to be, window by window of 30 seconds (UTC), with the screen of the event that completed the evidence and what spoke for it. Rows of others have no window: they stand at their event, or else at predicted_at.';

-- One score of each session that starts in the period: HXI's own, or the newest of others.
CREATE FUNCTION hxi_state.scores_of(from_time TIMESTAMP, to_time TIMESTAMP, with_bots BOOLEAN)
RETURNS TABLE (session_id UUID, score INT, issues JSONB)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT DISTINCT ON (s.session_id) s.session_id, x.score, x.issues
    FROM sessions AS s JOIN experience_scores AS x ON x.session_id = s.session_id
    WHERE s.start_time >= from_time AND s.start_time < to_time AND x.score IS NOT NULL
        AND (with_bots OR NOT EXISTS (SELECT FROM analytics.bot_sessions AS b WHERE b.session_id = s.session_id))
    ORDER BY s.session_id, x.derived IS TRUE DESC, x.generated_at DESC NULLS LAST, x.id DESC;
END;

CREATE FUNCTION analytics.scores(from_time TIMESTAMP, to_time TIMESTAMP, with_bots BOOLEAN DEFAULT false)
RETURNS TABLE (from_score INT, to_score INT, sessions BIGINT, share DOUBLE PRECISION)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH judged AS (
        SELECT GREATEST(0, LEAST(x.score / 10, 9)) AS band, count(*) AS sessions
        FROM hxi_state.scores_of(from_time, to_time, with_bots) AS x GROUP BY 1
    )
    SELECT
        b.band * 10, CASE b.band WHEN 9 THEN 100 ELSE b.band * 10 + 9 END, coalesce(j.sessions, 0),
        coalesce(j.sessions, 0) / NULLIF(sum(j.sessions) OVER (), 0)::double precision
    FROM generate_series(0, 9) AS b (band) LEFT JOIN judged AS j ON j.band = b.band
    ORDER BY b.band;
END;
COMMENT ON FUNCTION analytics.scores IS 'How scores of sessions that start in [from_time, to_time), UTC, are distributed: sessions and their share in ten bands, both ends included.';

CREATE FUNCTION analytics.score_causes(from_time TIMESTAMP, to_time TIMESTAMP, with_bots BOOLEAN DEFAULT false)
RETURNS TABLE (code TEXT, sessions BIGINT, share DOUBLE PRECISION, occurrences NUMERIC, points NUMERIC)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH judged AS (
        SELECT x.session_id, x.issues FROM hxi_state.scores_of(from_time, to_time, with_bots) AS x
    ), causes AS (
        SELECT
            j.session_id, i ->> 'code' AS code,
            CASE WHEN jsonb_typeof(i -> 'count') = 'number' THEN (i -> 'count')::numeric END AS count,
            CASE WHEN jsonb_typeof(i -> 'points') = 'number' THEN (i -> 'points')::numeric END AS points
        FROM judged AS j CROSS JOIN LATERAL jsonb_array_elements(
            CASE jsonb_typeof(j.issues) WHEN 'array' THEN j.issues ELSE '[]' END
        ) AS i
        WHERE i ->> 'code' IS NOT NULL
    )
    SELECT
        c.code, count(DISTINCT c.session_id), count(DISTINCT c.session_id) / (SELECT count(*) FROM judged)::double precision,
        sum(c.count), sum(c.points)
    FROM causes AS c GROUP BY c.code
    ORDER BY 5 DESC NULLS LAST, c.code;
END;
COMMENT ON FUNCTION analytics.score_causes IS 'What cost points in sessions that start in [from_time, to_time), UTC, the dearest first: code as in experience_scores.issues, sessions it was found in and their share of all that have a score, how often it was found, and the points it cost them together.';
