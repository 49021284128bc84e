-- Where the ledger stands, without waiting for whoever writes it.
SELECT topic, partition, next_offset
FROM hxi_state.ledger
JOIN unnest(%(topics)s::text[], %(partitions)s::int[]) AS p (topic, partition)
    USING (topic, partition)
WHERE app_id = %(app_id)s
