-- Compare-and-swap: moves each offset only from where this flush began, under its own epoch.
-- What arrived before the flush's latest arrival has been read, unless that clock runs ahead: a record that is dated
-- more than an hour beyond now, which brokers refuse unless told otherwise, says nothing of what has been read.
UPDATE hxi_state.ledger AS l
SET next_offset = p.to_offset,
    updated_at = now() AT TIME ZONE 'utc',
    caught_up_at = CASE WHEN p.arrival > now() AT TIME ZONE 'utc' + interval '1 hour' THEN l.caught_up_at
        ELSE LEAST(GREATEST(l.caught_up_at, p.arrival), now() AT TIME ZONE 'utc') END
FROM unnest(
    %(topics)s::text[], %(partitions)s::int[], %(epochs)s::bigint[],
    %(from_offsets)s::bigint[], %(to_offsets)s::bigint[], %(arrivals)s::timestamp[]
) AS p (topic, partition, epoch, from_offset, to_offset, arrival)
WHERE l.app_id = %(app_id)s AND l.topic = p.topic AND l.partition = p.partition
    AND l.epoch = p.epoch AND l.next_offset = p.from_offset
