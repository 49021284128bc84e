-- What each user agent says of who is there: which browser on what, and whether it is a person at all. Written by workers
-- with the sessions that name it, by lists that others keep; see pipeline/user_agents.py.
-- depends: 0009.retention

CREATE TABLE hxi_state.user_agents (
    user_agent TEXT PRIMARY KEY,
    browser TEXT,
    browser_version TEXT,
    os TEXT,
    device_class TEXT,
    is_bot BOOLEAN NOT NULL,
    judged_by TEXT NOT NULL
);

-- A user agent is judged, and found here, by its first 500 characters: an index takes no key of more than 2 700 bytes.
CREATE VIEW analytics.session_devices AS
SELECT s.session_id, a.browser, a.browser_version, a.os, a.device_class, a.is_bot
FROM sessions AS s LEFT JOIN hxi_state.user_agents AS a ON a.user_agent = left(s.user_agent, 500);

CREATE VIEW analytics.bot_sessions AS
SELECT s.session_id
FROM sessions AS s JOIN hxi_state.user_agents AS a ON a.user_agent = left(s.user_agent, 500)
WHERE a.is_bot;
