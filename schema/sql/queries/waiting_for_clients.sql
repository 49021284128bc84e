-- What a session that takes long and those that it waits for are doing: who waits for its client, and how far it came.
SELECT a.pid, a.pid = %(pid)s AS is_own, a.wait_event IS NOT DISTINCT FROM 'ClientRead' AS waits_for_client,
    a.application_name = ANY (%(names)s::text[]) AND a.usename = session_user AS is_ours,
    concat_ws(' ', a.backend_start, a.xact_start, a.state_change, c.bytes_processed) AS progress
FROM pg_stat_activity AS a
LEFT JOIN pg_stat_progress_copy AS c USING (pid)
WHERE a.pid = %(pid)s OR a.pid = ANY (pg_blocking_pids(%(pid)s))
