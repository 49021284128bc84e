-- Which way people go: journeys as wholes. A journey belongs to the period in which it began, with all of its steps, so
-- that each counts once, in one period. Where retention has removed steps of one, nobody knows what it was: it is left out.
-- depends: 0012.analytics-screens

CREATE FUNCTION analytics.journeys(from_time TIMESTAMP, to_time TIMESTAMP, with_bots BOOLEAN DEFAULT false)
RETURNS TABLE (
    session_id UUID, step BIGINT, screen_name VARCHAR(255), event_time TIMESTAMP, next_screen VARCHAR(255),
    next_time TIMESTAMP, previous_screen VARCHAR(255)
)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT s.session_id, s.step, s.screen_name, s.event_time, s.next_screen, s.next_time, s.previous_screen
    FROM (
        SELECT j.session_id, j.screen_name, j.event_time,
            row_number() OVER journey AS step,
            first_value(j.event_time) OVER journey AS began,
            lead(j.screen_name) OVER journey AS next_screen,
            lead(j.event_time) OVER journey AS next_time,
            lag(j.screen_name) OVER journey AS previous_screen
        FROM journey_steps AS j
        WHERE j.screen_name IS NOT NULL
            AND j.session_id IN (
                SELECT t.session_id
                FROM (
                    SELECT DISTINCT i.session_id FROM journey_steps AS i
                    WHERE i.event_time >= from_time AND i.event_time < to_time
                ) AS t
                WHERE (
                    with_bots
                    OR NOT EXISTS (SELECT FROM analytics.bot_sessions AS b WHERE b.session_id = t.session_id)
                ) AND (t.session_id IN (
                    SELECT r.session_id FROM sessions AS r WHERE 'journey_steps' = ANY (r.removed)
                )) IS NOT TRUE
            )
        WINDOW journey AS (PARTITION BY j.session_id ORDER BY j.event_time, j.step_number, j.id)
    ) AS s
    WHERE s.began >= from_time AND s.began < to_time;
END;
COMMENT ON FUNCTION analytics.journeys IS 'Steps of the journeys that began in [from_time, to_time) (UTC), numbered from 1, each with the screens before and after it; NULL where there is none.';

CREATE FUNCTION analytics.top_paths(
    from_time TIMESTAMP, to_time TIMESTAMP, steps INT DEFAULT 5, with_bots BOOLEAN DEFAULT false
)
RETURNS TABLE (path TEXT[], sessions BIGINT, share DOUBLE PRECISION)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT p.path, count(*), count(*)::double precision / sum(count(*)) OVER ()
    FROM (
        SELECT array_agg(j.screen_name::text ORDER BY j.step) AS path
        FROM analytics.journeys(from_time, to_time, with_bots) AS j
        WHERE j.step <= steps AND hxi_state.demand(steps > 0, 'steps has to be 1 or more')
        GROUP BY j.session_id
    ) AS p
    GROUP BY p.path
    ORDER BY count(*) DESC, p.path;
END;
COMMENT ON FUNCTION analytics.top_paths IS 'The first so many screens of journeys that began in [from_time, to_time) (UTC), most frequent first, with their sessions and the share of all; shorter journeys are whole.';

CREATE FUNCTION analytics.transitions(
    from_time TIMESTAMP, to_time TIMESTAMP, steps INT DEFAULT NULL, with_bots BOOLEAN DEFAULT false
)
RETURNS TABLE (step INT, from_screen VARCHAR(255), to_screen VARCHAR(255), sessions BIGINT, times BIGINT)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN steps IS NOT NULL THEN j.step END::int, j.screen_name, j.next_screen,
        count(DISTINCT j.session_id), count(*)
    FROM analytics.journeys(from_time, to_time, with_bots) AS j
    WHERE (steps IS NULL OR j.step <= steps)
        AND hxi_state.demand(steps IS NULL OR steps > 0, 'steps has to be 1 or more, or NULL')
    GROUP BY 1, 2, 3
    ORDER BY 1, count(DISTINCT j.session_id) DESC, count(*) DESC, 2, 3;
END;
COMMENT ON FUNCTION analytics.transitions IS 'From which screen to which, in journeys that began in [from_time, to_time) (UTC): sessions, and times; to_screen is NULL where journeys end. With steps, the first so many are told apart by step, which makes a Sankey without circles; otherwise step is NULL.';

CREATE FUNCTION analytics.going_back(from_time TIMESTAMP, to_time TIMESTAMP, with_bots BOOLEAN DEFAULT false)
RETURNS TABLE (
    screen_name VARCHAR(255), back_to VARCHAR(255), times BIGINT, sessions BIGINT, visits BIGINT,
    share DOUBLE PRECISION, median_ms DOUBLE PRECISION
)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT j.screen_name, j.previous_screen,
        count(*) FILTER (WHERE j.next_screen = j.previous_screen),
        count(DISTINCT j.session_id) FILTER (WHERE j.next_screen = j.previous_screen),
        count(*),
        count(*) FILTER (WHERE j.next_screen = j.previous_screen)::double precision / count(*),
        1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM j.next_time - j.event_time)::double precision)
            FILTER (WHERE j.next_screen = j.previous_screen)
    FROM analytics.journeys(from_time, to_time, with_bots) AS j
    WHERE j.previous_screen IS NOT NULL
    GROUP BY j.screen_name, j.previous_screen
    HAVING count(*) FILTER (WHERE j.next_screen = j.previous_screen) > 0
    ORDER BY 3 DESC, 4 DESC, 1, 2;
END;
COMMENT ON FUNCTION analytics.going_back IS 'Where people turned back (A, B, A) in journeys that began in [from_time, to_time) (UTC): the screen B, A, how many times in how many sessions, visits of B from A, the share of these that went back, and the median milliseconds spent on B before.';

CREATE FUNCTION analytics.funnel(
    from_time TIMESTAMP, to_time TIMESTAMP, screens TEXT[], within INTERVAL DEFAULT '30 min',
    with_bots BOOLEAN DEFAULT false
)
RETURNS TABLE (
    step INT, screen_name TEXT, sessions BIGINT, share_of_first DOUBLE PRECISION, share_of_previous DOUBLE PRECISION,
    median_ms DOUBLE PRECISION
)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH RECURSIVE views AS MATERIALIZED (
        SELECT j.session_id, j.screen_name, j.event_time,
            row_number() OVER (PARTITION BY j.session_id ORDER BY j.event_time, j.step_number, j.id) AS place
        FROM journey_steps AS j
        WHERE j.event_time >= from_time AND j.event_time < to_time + within + interval '1 microsecond'
            AND j.screen_name = ANY (screens) AND j.session_id IS NOT NULL
            AND (with_bots OR NOT EXISTS (SELECT FROM analytics.bot_sessions AS b WHERE b.session_id = j.session_id))
            AND (j.session_id IN (
                SELECT r.session_id FROM sessions AS r WHERE 'journey_steps' = ANY (r.removed)
            )) IS NOT TRUE
    ), tries AS (
        SELECT v.session_id, v.place AS first_place, v.event_time AS began, 1 AS step, v.place, v.event_time,
            NULL::timestamp AS before
        FROM views AS v
        WHERE v.screen_name = screens[1] AND v.event_time < to_time
        UNION ALL
        SELECT n.session_id, n.first_place, n.began, n.step, n.place, n.event_time, n.before
        FROM (
            SELECT DISTINCT ON (t.session_id, t.first_place)
                t.session_id, t.first_place, t.began, t.step + 1 AS step, v.place, v.event_time, t.event_time AS before
            FROM tries AS t
            JOIN views AS v ON v.session_id = t.session_id AND v.screen_name = screens[t.step + 1]
                AND v.place > t.place AND v.event_time <= t.began + within
            ORDER BY t.session_id, t.first_place, v.place
        ) AS n
    ), best AS (
        SELECT DISTINCT ON (t.session_id) t.session_id, t.first_place
        FROM tries AS t
        ORDER BY t.session_id, t.step DESC, t.first_place
    ), reached AS (
        SELECT t.step, count(*) AS sessions, 1000 * percentile_cont(0.5) WITHIN GROUP (
            ORDER BY extract(epoch FROM t.event_time - t.before)::double precision
        ) AS median_ms
        FROM tries AS t JOIN best AS b USING (session_id, first_place)
        GROUP BY t.step
    )
    SELECT s.step::int, s.screen_name, coalesce(r.sessions, 0),
        coalesce(r.sessions, 0)::double precision / first_value(r.sessions) OVER steps,
        CASE WHEN s.step > 1 THEN coalesce(r.sessions, 0)::double precision / lag(r.sessions) OVER steps END,
        r.median_ms
    FROM unnest(screens) WITH ORDINALITY AS s (screen_name, step) LEFT JOIN reached AS r ON r.step = s.step
    WHERE hxi_state.demand(within >= '0', 'within has to be an interval, and not a negative one')
        AND hxi_state.demand(
            screens IS NOT NULL AND array_position(screens, NULL) IS NULL, 'screens has to be an array without NULL'
        )
    WINDOW steps AS (ORDER BY s.step)
    ORDER BY s.step;
END;
COMMENT ON FUNCTION analytics.funnel IS 'How many sessions that saw the first of these screens in [from_time, to_time) (UTC) went on to each of the others, in this order, whatever they saw in between, the last within that time of the first; and the median milliseconds from the step before. Of several tries of a session the one that came furthest counts, and of those the earliest.';
