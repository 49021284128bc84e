-- Where an application's ledger stands, and how often each partition has been claimed.
SELECT topic, partition, epoch, next_offset
FROM hxi_state.ledger
WHERE app_id = %(app_id)s AND topic = ANY (%(topics)s)
ORDER BY topic, partition
