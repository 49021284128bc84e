-- Up to when every partition has been read, now at the latest; NULL while one of them has not been yet.
SELECT CASE WHEN count(*) = count(caught_up_at) THEN LEAST(min(caught_up_at), now() AT TIME ZONE 'utc') END AS moment
FROM hxi_state.ledger
WHERE app_id = %(app_id)s AND topic = ANY (%(topics)s)
