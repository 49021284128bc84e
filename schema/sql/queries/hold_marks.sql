-- Waits for whoever judges these sessions, and lets nobody begin.
SELECT session_id FROM hxi_state.unjudged WHERE session_id = ANY (%(session_ids)s) ORDER BY session_id FOR UPDATE
