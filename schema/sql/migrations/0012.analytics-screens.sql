-- What happens on screens: where people rage, point, and how far they scroll.
-- Rows lie in the order in which they came, which is nearly that of their times: BRIN indexes find a period for next to
-- nothing of what an insert costs. Where retention has made room, old pages hold new rows, and such an index finds a
-- recent period as well as ever, but reads more for an old one. Rage clicks are few: theirs is a B-tree.
-- depends: 0011.analytics-sessions

CREATE INDEX idx_heatmap_points_time ON heatmap_points USING brin (event_time) WITH (pages_per_range = 32, autosummarize);
CREATE INDEX idx_journey_steps_time ON journey_steps USING brin (event_time) WITH (pages_per_range = 32, autosummarize);
CREATE INDEX idx_events_time ON events USING brin (timestamp) WITH (pages_per_range = 32, autosummarize);
CREATE INDEX idx_rage_clicks_time ON rage_click_events (first_click_time);

-- A session's points on a screen are many: without this, PostgreSQL believes in ten times as many pairs, and does not
-- count them with several workers.
CREATE STATISTICS heatmap_points_visits (ndistinct) ON screen_name, session_id FROM heatmap_points;

-- What functions say of arguments that mean nothing. Immutable: of constants it is settled while the query is planned, and
-- nothing of it is left in the plan.
CREATE FUNCTION hxi_state.demand(holds BOOLEAN, otherwise TEXT) RETURNS BOOLEAN
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    IF holds IS NOT TRUE THEN
        RAISE invalid_parameter_value USING MESSAGE = otherwise;
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION hxi_state.demand IS 'True, or an error (invalid_parameter_value) with this sentence.';

-- Whom retention has been to is looked up in a hash below, (… IN …) IS NOT TRUE, not by an anti-join: until the next ANALYZE
-- PostgreSQL believes that there is nobody, and would go through all of them for each row.
CREATE FUNCTION analytics.rage_hot_spots(from_time TIMESTAMP, to_time TIMESTAMP, with_bots BOOLEAN DEFAULT false)
RETURNS TABLE (
    screen_name VARCHAR(255), element_id VARCHAR(255), rage_clicks BIGINT, mean_clicks DOUBLE PRECISION,
    sessions BIGINT, screen_sessions BIGINT, share DOUBLE PRECISION, last_seen TIMESTAMP
)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH rage AS MATERIALIZED (
        SELECT r.screen_name, r.element_id, r.session_id, r.click_count, r.last_click_time,
            (s.removed && '{rage_click_events,journey_steps}') IS NOT TRUE AS is_whole
        FROM rage_click_events AS r LEFT JOIN sessions AS s ON s.session_id = r.session_id
        WHERE r.first_click_time >= from_time AND r.first_click_time < to_time
            AND (with_bots OR NOT EXISTS (SELECT FROM analytics.bot_sessions AS b WHERE b.session_id = r.session_id))
    ), seen AS (
        SELECT j.screen_name, j.session_id FROM journey_steps AS j
        WHERE j.event_time >= from_time AND j.event_time < to_time
            AND j.screen_name IN (SELECT r.screen_name FROM rage AS r)
            AND (with_bots OR NOT EXISTS (SELECT FROM analytics.bot_sessions AS b WHERE b.session_id = j.session_id))
            AND (j.session_id IN (
                SELECT s.session_id FROM sessions AS s WHERE s.removed && '{rage_click_events,journey_steps}'
            )) IS NOT TRUE
        UNION
        SELECT r.screen_name, r.session_id FROM rage AS r WHERE r.is_whole
    ), screens AS (
        SELECT s.screen_name, count(s.session_id) AS sessions FROM seen AS s GROUP BY s.screen_name
    ), spots AS (
        SELECT r.screen_name, r.element_id, count(*) AS rage_clicks, avg(r.click_count)::double precision AS mean_clicks,
            count(DISTINCT r.session_id) AS sessions, count(DISTINCT r.session_id) FILTER (WHERE r.is_whole) AS whole,
            max(r.last_click_time) AS last_seen
        FROM rage AS r GROUP BY r.screen_name, r.element_id
    )
    SELECT p.screen_name, p.element_id, p.rage_clicks, p.mean_clicks, p.sessions, coalesce(s.sessions, 0),
        p.whole::double precision / nullif(s.sessions, 0), p.last_seen
    FROM spots AS p LEFT JOIN screens AS s ON s.screen_name IS NOT DISTINCT FROM p.screen_name
    ORDER BY p.sessions DESC, p.rage_clicks DESC, p.screen_name, p.element_id;
END;
COMMENT ON FUNCTION analytics.rage_hot_spots IS 'Elements with rage clicks that began in [from_time, to_time) (UTC), most sessions first: rage clicks, clicks in each on average, sessions that raged there, sessions that were on the screen in that time, and the share of these that raged. Sessions of which retention has removed rage clicks or steps are not among those on the screen, nor in the share; where no others are left, it is NULL.';

CREATE FUNCTION analytics.heatmap_grid(
    from_time TIMESTAMP, to_time TIMESTAMP, screen TEXT, kind TEXT DEFAULT 'click', device_class TEXT DEFAULT NULL,
    relative BOOLEAN DEFAULT false, cell_px INT DEFAULT 20, columns INT DEFAULT 50, with_bots BOOLEAN DEFAULT false
)
RETURNS TABLE (x DOUBLE PRECISION, y INT, weight DOUBLE PRECISION, sessions BIGINT)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT c.x, c.y::int, sum(c.weight), count(c.session_id)
    FROM (
        SELECT
            CASE WHEN relative
                THEN LEAST(h.x::bigint * columns / h.viewport_width, columns - 1)::double precision / columns
                ELSE floor(h.x::double precision / cell_px) * cell_px
            END AS x,
            floor(h.y::double precision / cell_px) * cell_px AS y,
            h.session_id,
            sum(coalesce(h.weight, 1)) AS weight
        FROM heatmap_points AS h
        WHERE h.event_time >= from_time AND h.event_time < to_time
            AND h.screen_name = screen
            AND (h.kind = heatmap_grid.kind OR (heatmap_grid.kind = 'click' AND h.kind IS NULL))
            AND h.x IS NOT NULL AND h.y IS NOT NULL
            AND (NOT relative OR (h.viewport_width > 0 AND h.x BETWEEN 0 AND h.viewport_width))
        GROUP BY 1, 2, 3
    ) AS c
    WHERE hxi_state.demand(
            heatmap_grid.kind IN ('click', 'mouse_move'),
            'kind has to be click or mouse_move; of scrolls, ask analytics.scroll_depths'
        )
        AND hxi_state.demand(cell_px > 0, 'cell_px has to be 1 or more')
        AND hxi_state.demand(columns > 0, 'columns has to be 1 or more')
        AND (with_bots OR NOT EXISTS (SELECT FROM analytics.bot_sessions AS b WHERE b.session_id = c.session_id))
        AND (
            heatmap_grid.device_class IS NULL OR c.session_id IN (
                SELECT d.session_id FROM analytics.session_devices AS d WHERE d.device_class = heatmap_grid.device_class
            )
        )
    GROUP BY c.x, c.y
    ORDER BY c.y, c.x;
END;
COMMENT ON FUNCTION analytics.heatmap_grid IS 'Pointer events of a screen in [from_time, to_time) (UTC) by cell of a grid: its left edge, its top edge in CSS pixels of the document, events, sessions. kind is click or mouse_move (others'' points, which do not say, are clicks); device_class NULL is every device. Absolute: x in pixels, cells cell_px wide. Relative: x from 0 to 1 of the viewport''s width, that many columns; points without a viewport, or beside it, have no place there. Cells are cell_px high; points are means within HXI_HEATMAP_CELL_PX, so smaller cells tell no more.';

CREATE FUNCTION analytics.scroll_depths(
    from_time TIMESTAMP, to_time TIMESTAMP, screen TEXT DEFAULT NULL, device_class TEXT DEFAULT NULL,
    with_bots BOOLEAN DEFAULT false
)
RETURNS TABLE (screen_name VARCHAR(255), depth_px INT, sessions BIGINT, share DOUBLE PRECISION)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH visits AS (
        SELECT p.screen_name, p.session_id, max(p.height) AS height, max(p.bare_scroll) AS bare_scroll, max(p.seen) AS seen
        FROM (
            SELECT h.screen_name, h.session_id, h.viewport_height AS height,
                CASE WHEN h.kind = 'scroll' AND h.viewport_height IS NULL THEN h.y END AS bare_scroll,
                CASE WHEN h.kind = 'scroll' THEN h.y::bigint + h.viewport_height ELSE h.y END AS seen
            FROM heatmap_points AS h
            WHERE h.event_time >= from_time AND h.event_time < to_time
                AND (screen IS NULL OR h.screen_name = screen)
            UNION ALL
            SELECT j.screen_name, j.session_id, NULL, NULL, NULL
            FROM journey_steps AS j
            WHERE j.event_time >= from_time AND j.event_time < to_time
                AND (screen IS NULL OR j.screen_name = screen)
        ) AS p
        GROUP BY p.screen_name, p.session_id
    ), reached AS (
        SELECT v.screen_name, LEAST(100000, GREATEST(
            v.seen, v.height, v.bare_scroll::bigint + coalesce(v.height, 0), 0
        )) / 100 AS hundreds
        FROM visits AS v
        WHERE v.screen_name IS NOT NULL AND v.session_id IS NOT NULL
            AND (
                scroll_depths.device_class IS NULL OR v.session_id IN (
                    SELECT d.session_id FROM analytics.session_devices AS d
                    WHERE d.device_class = scroll_depths.device_class
                )
            )
            AND (with_bots OR NOT EXISTS (SELECT FROM analytics.bot_sessions AS b WHERE b.session_id = v.session_id))
            AND (v.session_id IN (
                SELECT s.session_id FROM sessions AS s WHERE s.removed && '{heatmap_points,journey_steps}'
            )) IS NOT TRUE
    ), counted AS (
        SELECT r.screen_name, r.hundreds, count(*) AS sessions FROM reached AS r GROUP BY r.screen_name, r.hundreds
    ), screens AS (
        SELECT c.screen_name, max(c.hundreds) AS deepest, sum(c.sessions) AS sessions
        FROM counted AS c GROUP BY c.screen_name
    ), depths AS (
        SELECT s.screen_name, d.hundreds, s.sessions AS visitors,
            sum(c.sessions) OVER (PARTITION BY s.screen_name ORDER BY d.hundreds DESC) AS sessions
        FROM screens AS s
        CROSS JOIN LATERAL generate_series(0, s.deepest) AS d (hundreds)
        LEFT JOIN counted AS c ON c.screen_name = s.screen_name AND c.hundreds = d.hundreds
    )
    SELECT d.screen_name, (100 * d.hundreds)::int, d.sessions::bigint, (d.sessions / d.visitors)::double precision
    FROM depths AS d
    ORDER BY d.screen_name, d.hundreds;
END;
COMMENT ON FUNCTION analytics.scroll_depths IS 'How many of a screen''s sessions in [from_time, to_time) (UTC), and which share, saw its document down to each 100 px; without a screen, of all screens; device_class NULL is every device. A session counts once at each depth. It saw what it scrolled to and a viewport''s height more, and where it pointed; a scroll that does not say its viewport has the largest that the session had on that screen. Positions are means within HXI_HEATMAP_CELL_PX (10 px); what is deeper than 100 000 px counts as that. Sessions of which retention has removed points or steps are left out.';
