-- A session has one score, of its latest state; one that is open again has none.
INSERT INTO experience_scores AS e (session_id, score, issues, derived)
SELECT session_id, score, issues, true
FROM unnest(%(session_ids)s::uuid[], %(scores)s::int[], %(issues)s::jsonb[]) AS n (session_id, score, issues)
ON CONFLICT (session_id) WHERE derived DO UPDATE SET
    score = EXCLUDED.score,
    issues = EXCLUDED.issues,
    generated_at = EXCLUDED.generated_at
WHERE (e.score, e.issues) IS DISTINCT FROM (EXCLUDED.score, EXCLUDED.issues)
