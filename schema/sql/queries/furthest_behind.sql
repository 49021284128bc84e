-- The partition that was read to its end the longest ago, those first that never were; and since when, if that is long.
SELECT topic, partition, caught_up_at
FROM hxi_state.ledger
WHERE app_id = %(app_id)s AND topic = ANY (%(topics)s)
    AND (caught_up_at IS NULL OR caught_up_at < now() AT TIME ZONE 'utc' - make_interval(secs => %(behind_s)s))
ORDER BY caught_up_at NULLS FIRST, topic, partition
LIMIT 1
