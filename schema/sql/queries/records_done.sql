-- How many records of the topics are settled: written, duplicates, or dead letters.
SELECT coalesce(sum(next_offset), 0)::bigint AS records FROM hxi_state.ledger WHERE app_id = %(app_id)s
