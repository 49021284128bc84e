-- Up to when every partition has been read, now at the latest; NULL while one of them has not been yet, or none is known.
SELECT CASE
    WHEN count(*) > 0 AND count(*) = count(caught_up_at) THEN LEAST(min(caught_up_at), now() AT TIME ZONE 'utc')
END AS moment
FROM hxi_state.ledger
WHERE app_id = %(app_id)s AND topic = ANY (%(topics)s)
