-- Up to when every partition has been read, now at the latest; NULL while one of them has not been yet, or none of this
-- application is known. Nobody knows whose a session is, so partitions of every application in this database count.
SELECT CASE
    WHEN bool_or(app_id = %(app_id)s) AND count(*) = count(caught_up_at)
    THEN LEAST(min(caught_up_at), now() AT TIME ZONE 'utc')
END AS moment
FROM hxi_state.ledger
WHERE app_id <> %(app_id)s OR topic = ANY (%(topics)s)
