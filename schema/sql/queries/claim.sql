-- Raises the epoch of each partition, which fences every earlier owner.
INSERT INTO hxi_state.ledger AS l (app_id, topic, partition, epoch)
SELECT %(app_id)s, p.topic, p.partition, 1
FROM unnest(%(topics)s::text[], %(partitions)s::int[]) AS p (topic, partition)
ORDER BY p.topic, p.partition
ON CONFLICT (app_id, topic, partition) DO UPDATE
    SET epoch = l.epoch + 1, updated_at = now() AT TIME ZONE 'utc'
RETURNING topic, partition, next_offset, epoch
