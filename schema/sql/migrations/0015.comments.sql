-- What the tables mean, said where analysts look: `\d+` and any database tool shows it. Columns that HXI added and whose
-- migrations say what they are, are left to those.
-- depends: 0011.analytics-sessions

COMMENT ON TABLE users IS 'People, one row per external_user_id. In each column the fact of the latest event time stands, in whatever order facts arrive.';
COMMENT ON COLUMN users.user_id IS 'HXI''s id of the person, worked out from external_user_id: the same on every machine.';
COMMENT ON COLUMN users.external_user_id IS 'The person''s id in your own system, as the client sent it.';
COMMENT ON COLUMN users.email IS 'As the privacy policy leaves it; NULL where no event named one.';
COMMENT ON COLUMN users.device_type IS 'What the client calls the device, such as phone; for what its user agent says, see analytics.session_devices.';
COMMENT ON COLUMN users.locale IS 'Language and region, such as de-DE.';
COMMENT ON COLUMN users.device_type_at IS 'Event time (UTC) of device_type; the latest wins.';
COMMENT ON COLUMN users.locale_at IS 'Event time (UTC) of locale; the latest wins.';
COMMENT ON COLUMN users.email_at IS 'Event time (UTC) of email; the latest wins.';

COMMENT ON TABLE sessions IS 'Visits, one row per session_id, made by whatever record comes first.';
COMMENT ON COLUMN sessions.session_id IS 'The client''s id of the visit.';
COMMENT ON COLUMN sessions.user_id IS 'The person who was named last in it; NULL where nobody was.';
COMMENT ON COLUMN sessions.device_id IS 'The client''s id of the device or browser.';
COMMENT ON COLUMN sessions.ip_address IS 'As the privacy policy leaves it: by default the network only.';
COMMENT ON COLUMN sessions.user_agent IS 'What the browser or application says of itself; analytics.session_devices says what that means.';
COMMENT ON COLUMN sessions.start_time IS 'Time of its earliest event (UTC); of its earliest replay chunk while there is no event.';
COMMENT ON COLUMN sessions.end_time IS 'Time of its latest event (UTC), once it has ended: it said so, or was quiet for long enough. NULL while it is open.';
COMMENT ON COLUMN sessions.duration_ms IS 'From start_time to end_time in milliseconds; NULL while it is open.';
COMMENT ON COLUMN sessions.screen_resolution IS 'Of the whole screen, such as 1920x1080, as the client sent it.';
COMMENT ON COLUMN sessions.app_version IS 'Version of your application, as the client sent it.';
COMMENT ON COLUMN sessions.last_event_time IS 'Time of its latest event (UTC), ended or not; NULL while there are replay chunks alone.';
COMMENT ON COLUMN sessions.last_chunk_time IS 'Time of its latest replay chunk (UTC); NULL where there is none.';
COMMENT ON COLUMN sessions.ended_by_event IS 'True once a session_end came; others have ended by being quiet.';
COMMENT ON COLUMN sessions.user_id_at IS 'Event time (UTC) of user_id; the latest wins.';
COMMENT ON COLUMN sessions.device_id_at IS 'Event time (UTC) of device_id; the latest wins.';
COMMENT ON COLUMN sessions.ip_address_at IS 'Event time (UTC) of ip_address; the latest wins.';
COMMENT ON COLUMN sessions.user_agent_at IS 'Event time (UTC) of user_agent; the latest wins.';
COMMENT ON COLUMN sessions.screen_resolution_at IS 'Event time (UTC) of screen_resolution; the latest wins.';
COMMENT ON COLUMN sessions.app_version_at IS 'Event time (UTC) of app_version; the latest wins.';

COMMENT ON TABLE events IS 'What people did, one row per accepted event of any type.';
COMMENT ON COLUMN events.event_id IS 'Number of the row; says nothing of when the event happened.';
COMMENT ON COLUMN events.session_id IS 'The visit in which it happened.';
COMMENT ON COLUMN events.event_type IS 'click, scroll, mouse_move, input, page_view, screen_view, api_call, error, session_start, session_end, identify, or a type of your own.';
COMMENT ON COLUMN events.page_url IS 'As the privacy policy leaves it: by default without query and fragment.';
COMMENT ON COLUMN events.screen_name IS 'Where it happened: the client''s name of the screen, or else the path of page_url.';
COMMENT ON COLUMN events.element_id IS 'The element that was acted on, as the client names it.';
COMMENT ON COLUMN events.element_type IS 'Its kind, such as button.';
COMMENT ON COLUMN events.x IS 'CSS pixels from the left of the document.';
COMMENT ON COLUMN events.y IS 'CSS pixels from the top of the document.';
COMMENT ON COLUMN events.scroll_position IS 'CSS pixels of the document above the viewport.';
COMMENT ON COLUMN events.timestamp IS 'When it happened (UTC), by the client''s clock, corrected where that is known to be wrong.';
COMMENT ON COLUMN events.metadata IS 'What else the client sent, with private data masked; text too long for its column is here in full.';
COMMENT ON COLUMN events.viewport_width IS 'Width of the visible part of the document in CSS pixels.';
COMMENT ON COLUMN events.viewport_height IS 'Height of the visible part of the document in CSS pixels.';

COMMENT ON TABLE rage_click_events IS 'Rage clicks: runs of quick clicks near each other. A row grows while the clicking goes on.';
COMMENT ON COLUMN rage_click_events.id IS 'Number of the row.';
COMMENT ON COLUMN rage_click_events.session_id IS 'The visit in which it happened.';
COMMENT ON COLUMN rage_click_events.element_id IS 'The element of its first click; NULL where the client named none.';
COMMENT ON COLUMN rage_click_events.screen_name IS 'The screen on which it happened.';
COMMENT ON COLUMN rage_click_events.click_count IS 'Clicks in the run.';
COMMENT ON COLUMN rage_click_events.first_click_time IS 'Time of its first click (UTC).';
COMMENT ON COLUMN rage_click_events.last_click_time IS 'Time of its last click so far (UTC).';
COMMENT ON COLUMN rage_click_events.detected_at IS 'When the row was first written (UTC): processing time, not event time.';

COMMENT ON TABLE heatmap_points IS 'Clicks, scrolls and mouse moves, those of one visit, screen, kind and viewport in the same cell within the same ten seconds as one point.';
COMMENT ON COLUMN heatmap_points.id IS 'Number of the row.';
COMMENT ON COLUMN heatmap_points.session_id IS 'The visit in which they happened.';
COMMENT ON COLUMN heatmap_points.screen_name IS 'The screen on which they happened.';
COMMENT ON COLUMN heatmap_points.x IS 'Mean of their CSS pixels from the left of the document; NULL for scrolls.';
COMMENT ON COLUMN heatmap_points.y IS 'Mean of their CSS pixels from the top of the document; of scrolls, of their position.';
COMMENT ON COLUMN heatmap_points.viewport_height IS 'CSS pixels.';
COMMENT ON COLUMN heatmap_points.sum_y IS 'y is this by weight, rounded.';

COMMENT ON TABLE journey_steps IS 'The way through the screens: one row per change of screen, in the order in which they happened.';
COMMENT ON COLUMN journey_steps.id IS 'Number of the row.';
COMMENT ON COLUMN journey_steps.session_id IS 'The visit.';
COMMENT ON COLUMN journey_steps.step_number IS 'From 1, without gaps.';
COMMENT ON COLUMN journey_steps.screen_name IS 'The screen that was come to. The same twice in a row is one step.';
COMMENT ON COLUMN journey_steps.event_time IS 'When it was come to (UTC).';

COMMENT ON TABLE latency_metrics IS 'API calls as clients saw them, one row per api_call event.';
COMMENT ON COLUMN latency_metrics.id IS 'Number of the row.';
COMMENT ON COLUMN latency_metrics.session_id IS 'The visit in which it was made.';
COMMENT ON COLUMN latency_metrics.screen_name IS 'The screen on which it was made.';
COMMENT ON COLUMN latency_metrics.api_endpoint IS 'As the client sent it, with ids in it; latency_rollups has them taken out.';
COMMENT ON COLUMN latency_metrics.latency_ms IS 'Milliseconds from request to response.';
COMMENT ON COLUMN latency_metrics.status_code IS 'HTTP status; 0 means no response. 0 and 500 and above are errors.';
COMMENT ON COLUMN latency_metrics.recorded_at IS 'When the call was recorded (UTC), by event time.';

COMMENT ON TABLE emotion_predictions IS 'How people felt, by how they acted: one row per visit and 30 seconds in which there was something to judge. HXI''s own model knows simulated people only.';
COMMENT ON COLUMN emotion_predictions.id IS 'Number of the row.';
COMMENT ON COLUMN emotion_predictions.session_id IS 'The visit.';

COMMENT ON TABLE experience_scores IS 'How good each visit was, one row per visit that has ended.';
COMMENT ON COLUMN experience_scores.id IS 'Number of the row.';
COMMENT ON COLUMN experience_scores.session_id IS 'The visit.';
COMMENT ON COLUMN experience_scores.score IS '0 (bad) to 100 (nothing went wrong).';
COMMENT ON COLUMN experience_scores.generated_at IS 'When it was worked out (UTC): processing time, not event time.';

COMMENT ON TABLE session_replay_chunks IS 'Recordings of visits, one row per chunk; analytics.replays says which can be played.';
COMMENT ON COLUMN session_replay_chunks.id IS 'Number of the row.';
COMMENT ON COLUMN session_replay_chunks.session_id IS 'The visit that is recorded.';
COMMENT ON COLUMN session_replay_chunks.chunk_index IS 'Place of the chunk in the recording, from 0.';
COMMENT ON COLUMN session_replay_chunks.chunk_data IS 'rrweb events, an array of them or one, with private data masked.';
COMMENT ON COLUMN session_replay_chunks.recorded_at IS 'When it was recorded (UTC): as the client says, or else when it arrived.';
COMMENT ON COLUMN session_replay_chunks.outline IS 'What playing depends on: events, first_at and last_at in milliseconds since 1970, out_of_order, whether it has incremental events, and what of meta, snapshot and snapshot_after_meta is before those; or the problem that hides it, packed or unreadable.';

COMMENT ON TABLE error_logs IS 'Errors that happened in people''s browsers and applications, one row per error event.';
COMMENT ON COLUMN error_logs.id IS 'Number of the row.';
COMMENT ON COLUMN error_logs.session_id IS 'The visit in which it happened.';
COMMENT ON COLUMN error_logs.screen_name IS 'The screen on which it happened.';
COMMENT ON COLUMN error_logs.error_message IS 'As the program said it, with private data masked.';
COMMENT ON COLUMN error_logs.stack_trace IS 'Where in the program, with private data masked; NULL where the client sent none.';
COMMENT ON COLUMN error_logs.occurred_at IS 'When it happened (UTC).';

COMMENT ON COLUMN hxi_state.ledger.app_id IS 'HXI_APP_ID of the workers: two applications do not know of each other.';
COMMENT ON COLUMN hxi_state.ledger.topic IS 'Kafka''s topic.';
COMMENT ON COLUMN hxi_state.ledger.partition IS 'Its partition.';
COMMENT ON COLUMN hxi_state.ledger.updated_at IS 'When the row was last written (UTC).';
COMMENT ON COLUMN hxi_state.unjudged.session_id IS 'The visit.';
COMMENT ON COLUMN hxi_state.session_users.session_id IS 'The visit.';
COMMENT ON COLUMN hxi_state.session_users.user_id IS 'A person who was named in it: users.user_id.';
COMMENT ON COLUMN hxi_state.latency_windows.window_start IS 'Start of the minute (UTC) in which the calls were made.';
COMMENT ON COLUMN hxi_state.latency_windows.screen_name IS 'The screen on which they were made; NULL where none was named.';
COMMENT ON COLUMN hxi_state.latency_windows.api_endpoint IS 'Without query, ids in it replaced by :id; other, where a minute has too many.';
COMMENT ON COLUMN hxi_state.latency_windows.calls IS 'Number of calls.';
COMMENT ON COLUMN hxi_state.latency_windows.errors IS 'Calls among them with status 0 or 500 and above.';
COMMENT ON COLUMN hxi_state.latency_windows.min_ms IS 'The fastest, in milliseconds.';
COMMENT ON COLUMN hxi_state.latency_windows.max_ms IS 'The slowest, in milliseconds.';
COMMENT ON COLUMN hxi_state.latency_windows.sum_ms IS 'Sum of all milliseconds.';
COMMENT ON COLUMN hxi_state.latency_windows.satisfied IS 'Calls within Apdex''s T (HXI_APDEX_T_MS when they came).';
COMMENT ON COLUMN hxi_state.latency_windows.tolerating IS 'Calls above T and within 4 T.';
COMMENT ON COLUMN hxi_state.latency_windows.sketch IS 'All calls as a sketch: analytics.merged(sketch) merges rows, analytics.percentile(sketch, fraction) reads it.';

-- yoyo has made these before any migration runs, as the same role or one of hxi_owner.
COMMENT ON TABLE _yoyo_migration IS 'Migrations that this database has had. Kept by yoyo; hxi migrate adds to it.';
COMMENT ON COLUMN _yoyo_migration.migration_hash IS 'SHA-256 of migration_id.';
COMMENT ON COLUMN _yoyo_migration.migration_id IS 'Name of the file in schema/sql/migrations, without .sql.';
COMMENT ON COLUMN _yoyo_migration.applied_at_utc IS 'When it was applied (UTC).';
COMMENT ON TABLE _yoyo_log IS 'What yoyo has done, and who had it done.';
COMMENT ON COLUMN _yoyo_log.id IS 'UUID of the entry.';
COMMENT ON COLUMN _yoyo_log.migration_hash IS 'SHA-256 of migration_id.';
COMMENT ON COLUMN _yoyo_log.migration_id IS 'The migration.';
COMMENT ON COLUMN _yoyo_log.operation IS 'apply; yoyo knows rollback, mark and unmark, too, which HXI does not use.';
COMMENT ON COLUMN _yoyo_log.username IS 'The user of the operating system.';
COMMENT ON COLUMN _yoyo_log.hostname IS 'The machine on which it ran.';
COMMENT ON COLUMN _yoyo_log.comment IS 'NULL, but where yoyo has brought its own tables up to date.';
COMMENT ON COLUMN _yoyo_log.created_at_utc IS 'When (UTC).';
COMMENT ON TABLE _yoyo_version IS 'Versions of yoyo''s own tables.';
COMMENT ON COLUMN _yoyo_version.version IS 'The version.';
COMMENT ON COLUMN _yoyo_version.installed_at_utc IS 'Since when (UTC).';
COMMENT ON TABLE yoyo_lock IS 'A row while yoyo brings its tables up to date.';
COMMENT ON COLUMN yoyo_lock.locked IS 'Always 1: there is one lock.';
COMMENT ON COLUMN yoyo_lock.ctime IS 'Since when it has been held (UTC).';
COMMENT ON COLUMN yoyo_lock.pid IS 'The process that holds it.';
