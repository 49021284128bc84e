-- Notes what has been removed of these sessions, 0 where that is not all of it yet; without events, results are final.
UPDATE sessions
SET removed = coalesce(removed, 0) | %(removed)s, is_final = is_final IS TRUE OR %(is_final)s
WHERE session_id = ANY (%(session_ids)s)
