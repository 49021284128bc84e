-- Ends a session, if it still is where it was: its transaction is rolled back, its locks are free.
SELECT pg_terminate_backend(a.pid)
FROM pg_stat_activity AS a
LEFT JOIN pg_stat_progress_copy AS c USING (pid)
WHERE a.pid = %(pid)s
    AND concat_ws(' ', a.backend_start, a.xact_start, a.state_change, c.bytes_processed) = %(progress)s
