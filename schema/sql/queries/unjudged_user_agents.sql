-- User agents of sessions that these lists have not judged: others' rows, and what earlier lists said.
SELECT DISTINCT s.user_agent
FROM sessions AS s
WHERE s.user_agent IS NOT NULL AND NOT EXISTS (
    SELECT FROM hxi_state.user_agents AS k
    WHERE k.digest = sha256(convert_to(s.user_agent, 'UTF8')) AND k.judged_by = %(judged_by)s
)
