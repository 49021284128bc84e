-- Notes of which of these sessions' tables rows have been removed, and by bit which are done with, 0 where not all of it
-- has gone yet. Where results no longer follow from what is stored, they are final.
UPDATE sessions
SET removed = ARRAY(SELECT DISTINCT t FROM unnest(coalesce(removed, '{}') || %(tables)s::text[]) AS t ORDER BY t),
    swept = coalesce(swept, 0) | %(swept)s,
    is_final = is_final IS TRUE OR %(is_final)s
WHERE session_id = ANY (%(session_ids)s)
