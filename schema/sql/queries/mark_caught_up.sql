-- Says that nothing of these partitions is unread now; quiet sessions are judged by it.
UPDATE hxi_state.ledger AS l
SET caught_up_at = clock_timestamp() AT TIME ZONE 'utc'
FROM unnest(
    %(topics)s::text[], %(partitions)s::int[], %(epochs)s::bigint[], %(next_offsets)s::bigint[]
) AS p (topic, partition, epoch, next_offset)
WHERE l.app_id = %(app_id)s AND l.topic = p.topic AND l.partition = p.partition
    AND l.epoch = p.epoch AND l.next_offset = p.next_offset
