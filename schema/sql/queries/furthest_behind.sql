-- The partition that was read to its end the longest ago, those first that never were; since when, and for how many
-- seconds, if that is long. Of every application in this database.
SELECT app_id, topic, partition, caught_up_at, extract(epoch FROM now() AT TIME ZONE 'utc' - caught_up_at) AS age_s
FROM hxi_state.ledger
WHERE (app_id <> %(app_id)s OR topic = ANY (%(topics)s))
    AND (caught_up_at IS NULL OR caught_up_at < now() AT TIME ZONE 'utc' - make_interval(secs => %(behind_s)s))
ORDER BY caught_up_at NULLS FIRST, app_id, topic, partition
LIMIT 1
