-- Locks the flush's ledger rows, in the one order that all writers use.
SELECT l.topic, l.partition, l.next_offset, l.epoch
FROM hxi_state.ledger AS l
JOIN unnest(%(topics)s::text[], %(partitions)s::int[]) AS p (topic, partition)
    USING (topic, partition)
WHERE l.app_id = %(app_id)s
ORDER BY l.topic, l.partition
FOR UPDATE OF l
