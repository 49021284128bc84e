-- Steps are numbered anew from the earliest new view on; they never become fewer.
INSERT INTO journey_steps AS j (session_id, step_number, screen_name, event_time, derived)
SELECT session_id, step_number, screen_name, event_time, true
FROM new_journey_steps
ON CONFLICT (session_id, step_number) WHERE derived DO UPDATE SET
    screen_name = EXCLUDED.screen_name,
    event_time = EXCLUDED.event_time
