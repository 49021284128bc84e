-- Takes the marks of some changed sessions, none that a flush holds. Until this transaction ends
-- no flush that changes them can commit.
DELETE FROM hxi_state.unjudged
WHERE session_id IN (SELECT session_id FROM hxi_state.unjudged LIMIT %(most)s FOR UPDATE SKIP LOCKED)
RETURNING session_id
