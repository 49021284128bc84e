-- A rage click grows while its run does; its row stays the same one. Returns how many are new.
WITH merged AS (
    INSERT INTO rage_click_events AS r (
        session_id, element_id, screen_name, click_count, first_click_time, last_click_time, run_ordinal
    )
    SELECT session_id, element_id, screen_name, click_count, first_click_time, last_click_time, run_ordinal
    FROM new_rage_click_events
    ON CONFLICT (session_id, first_click_time, screen_name, run_ordinal) WHERE run_ordinal IS NOT NULL DO UPDATE SET
        element_id = EXCLUDED.element_id,
        click_count = EXCLUDED.click_count,
        last_click_time = EXCLUDED.last_click_time
    RETURNING xmax = 0 AS is_new -- a row that was updated has been locked by somebody: by this
)
SELECT count(*) FILTER (WHERE is_new) FROM merged
