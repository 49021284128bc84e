-- Keeps what lists say of user agents. Rows that say so already are not touched, so that flushes do not wait for each
-- other; of other lists, be they newer or gone back to, those of whoever writes last stand.
INSERT INTO hxi_state.user_agents AS a (digest, browser, browser_version, os, device_class, is_bot, judged_by)
SELECT digest, browser, browser_version, os, device_class, is_bot, judged_by
FROM unnest(
    %(digest)s::bytea[], %(browser)s::text[], %(browser_version)s::text[], %(os)s::text[], %(device_class)s::text[],
    %(is_bot)s::boolean[], %(judged_by)s::text[]
) AS n (digest, browser, browser_version, os, device_class, is_bot, judged_by)
WHERE NOT EXISTS (
    SELECT FROM hxi_state.user_agents AS k WHERE k.digest = n.digest AND k.judged_by = n.judged_by
)
ORDER BY digest
ON CONFLICT (digest) DO UPDATE SET
    browser = EXCLUDED.browser,
    browser_version = EXCLUDED.browser_version,
    os = EXCLUDED.os,
    device_class = EXCLUDED.device_class,
    is_bot = EXCLUDED.is_bot,
    judged_by = EXCLUDED.judged_by
WHERE a.judged_by <> EXCLUDED.judged_by
