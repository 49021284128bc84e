-- Notes that these sessions have changed, and from when on; sorted, so that writers cannot deadlock. A mark
-- that is there is updated, not left alone: that locks it, so nobody takes it before this flush is seen.
INSERT INTO hxi_state.unjudged AS u (session_id, changed_from)
SELECT session_id, first_event FROM new_sessions ORDER BY session_id
ON CONFLICT (session_id) DO UPDATE SET changed_from = LEAST(u.changed_from, EXCLUDED.changed_from)
