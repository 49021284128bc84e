-- How many sessions wait to be judged, counted up to a bound, and for how many seconds the first of them has.
SELECT
    (SELECT count(*) FROM (SELECT FROM hxi_state.unjudged LIMIT %(most)s) AS counted),
    coalesce(
        extract(
            epoch FROM clock_timestamp() AT TIME ZONE 'utc'
            - (SELECT marked_at FROM hxi_state.unjudged ORDER BY marked_at LIMIT 1)
        )::float8,
        0
    )
