-- Notes that these sessions have changed; sorted, so that writers cannot deadlock. A mark that is
-- there is updated, not left alone: that locks it, so nobody takes it before this flush is seen.
INSERT INTO hxi_state.unjudged (session_id)
SELECT session_id FROM new_sessions ORDER BY session_id
ON CONFLICT (session_id) DO UPDATE SET session_id = EXCLUDED.session_id
