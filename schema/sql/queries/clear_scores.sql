-- Sessions that are open again have no score yet.
DELETE FROM experience_scores WHERE derived AND session_id = ANY (%(session_ids)s)
