-- What each user agent says of who is there: which browser on what, and whether it is a person at all. Written by workers
-- with the sessions that name it, by lists that others keep; see pipeline/user_agents.py. Found by a digest: an index takes
-- no key of more than 2 700 bytes, and of a person who is forgotten nothing is left here.
-- depends: 0009.retention

CREATE TABLE hxi_state.user_agents (
    digest BYTEA PRIMARY KEY,
    browser TEXT,
    browser_version TEXT,
    os TEXT,
    device_class TEXT,
    is_bot BOOLEAN NOT NULL,
    judged_by TEXT NOT NULL
);
COMMENT ON TABLE hxi_state.user_agents IS 'What lists of browsers, devices and bots say of each user agent that a session had. Read it as analytics.session_devices.';
COMMENT ON COLUMN hxi_state.user_agents.digest IS 'SHA-256 of the user agent as it is in sessions, in UTF-8.';
COMMENT ON COLUMN hxi_state.user_agents.browser IS 'Family of the browser or application, such as Chrome or Mobile Safari; NULL unknown.';
COMMENT ON COLUMN hxi_state.user_agents.browser_version IS 'Its major and minor version, such as 131.0; NULL unknown.';
COMMENT ON COLUMN hxi_state.user_agents.os IS 'Family of the operating system, such as Windows or iOS; NULL unknown.';
COMMENT ON COLUMN hxi_state.user_agents.device_class IS 'desktop, mobile, tablet, or other (televisions, consoles, watches); NULL unknown. Safari on an iPad says that it is a desktop.';
COMMENT ON COLUMN hxi_state.user_agents.is_bot IS 'Whether a list knows it as a bot, crawler, monitor or automated browser.';
COMMENT ON COLUMN hxi_state.user_agents.judged_by IS 'The lists, and their versions, that it was last judged by: when it was last named by an event.';

CREATE VIEW analytics.session_devices AS
SELECT s.session_id, a.browser, a.browser_version, a.os, a.device_class, a.is_bot
FROM sessions AS s LEFT JOIN hxi_state.user_agents AS a ON a.digest = sha256(convert_to(s.user_agent, 'UTF8'));
COMMENT ON VIEW analytics.session_devices IS 'What each session''s user agent says: browser, system, class of device, bot or not. Unknown where it has none, or no worker has seen it: rows of others, and from before there was this view.';
COMMENT ON COLUMN analytics.session_devices.session_id IS 'The visit.';
COMMENT ON COLUMN analytics.session_devices.browser IS 'Family of the browser or application, such as Chrome or Mobile Safari; NULL unknown.';
COMMENT ON COLUMN analytics.session_devices.browser_version IS 'Its major and minor version, such as 131.0; NULL unknown.';
COMMENT ON COLUMN analytics.session_devices.os IS 'Family of the operating system, such as Windows or iOS; NULL unknown.';
COMMENT ON COLUMN analytics.session_devices.device_class IS 'desktop, mobile, tablet, or other (televisions, consoles, watches); NULL unknown. Safari on an iPad says that it is a desktop.';
COMMENT ON COLUMN analytics.session_devices.is_bot IS 'Whether a list knows the user agent as a bot, crawler, monitor or automated browser; NULL unknown.';

CREATE VIEW analytics.bot_sessions AS
SELECT s.session_id
FROM sessions AS s JOIN hxi_state.user_agents AS a ON a.digest = sha256(convert_to(s.user_agent, 'UTF8'))
WHERE a.is_bot;
COMMENT ON VIEW analytics.bot_sessions IS 'Sessions whose user agent lists know as that of a bot, crawler, monitor or automated browser. Functions leave them out unless told otherwise.';
COMMENT ON COLUMN analytics.bot_sessions.session_id IS 'The visit.';
