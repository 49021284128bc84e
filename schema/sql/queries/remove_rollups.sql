-- Removes latency windows that begin before a moment, so many at the most; none that a flush adds to, waits for nobody.
WITH gone AS (
    DELETE FROM hxi_state.latency_windows
    WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM hxi_state.latency_windows WHERE window_start < %(before)s LIMIT %(most)s FOR UPDATE SKIP LOCKED
    ))
    RETURNING 1
)
SELECT 'latency_rollups' AS table, count(*) AS rows FROM gone
