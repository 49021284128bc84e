-- Takes the oldest marks of changed sessions, none that a flush holds. Until this transaction ends
-- no flush that changes them can commit.
WITH chosen AS MATERIALIZED ( -- looked up once: in a join the limit would hold for each row anew
    SELECT session_id FROM hxi_state.unjudged ORDER BY marked_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
DELETE FROM hxi_state.unjudged AS u USING chosen WHERE u.session_id = chosen.session_id
RETURNING u.session_id, u.changed_from
