-- Rage clicks that began within these bursts and are not among the new ones are no longer true.
DELETE FROM rage_click_events AS r
USING new_rage_click_bursts AS b
WHERE r.session_id = b.session_id AND r.run_ordinal IS NOT NULL
    AND r.first_click_time BETWEEN b.first_time AND b.last_time
    AND NOT EXISTS (
        SELECT FROM new_rage_click_events AS n
        WHERE n.session_id = r.session_id AND n.first_click_time = r.first_click_time
            AND n.screen_name IS NOT DISTINCT FROM r.screen_name AND n.run_ordinal = r.run_ordinal
    )
