-- Who may do what in this database, from nothing: run at the end of each `hxi migrate`, in one transaction. Who adds a
-- table, view or sequence says here whose it is and what it is to hxi_writer and hxi_analyst; tests/integration/
-- test_rights.py fails where somebody forgot, and where the writer may do what it does not need.

-- hxi_owner owns everything of HXI, so whoever is a member of it can migrate. Only what is not its own yet is touched:
-- changing an owner waits for everybody who uses the table.
DO $$
DECLARE
    statement TEXT;
BEGIN
    FOR statement IN
        -- Schemas first: an owner has to be allowed to make things where its own are.
        SELECT format('ALTER SCHEMA %I OWNER TO hxi_owner', nspname) FROM pg_namespace
        WHERE nspname IN ('hxi_state', 'analytics') AND nspowner <> 'hxi_owner'::regrole
    LOOP
        EXECUTE statement;
    END LOOP;
    FOR statement IN
        SELECT format('ALTER TABLE %s OWNER TO hxi_owner', c.oid::regclass)
        FROM pg_class AS c
        WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.relowner <> 'hxi_owner'::regrole AND (
            c.relnamespace IN ('hxi_state'::regnamespace, 'analytics'::regnamespace)
            OR (c.relnamespace = current_schema()::regnamespace AND c.relname IN (
                'users', 'sessions', 'events', 'rage_click_events', 'heatmap_points', 'journey_steps',
                'latency_metrics', 'emotion_predictions', 'experience_scores', 'session_replay_chunks', 'error_logs',
                'latency_rollups', '_yoyo_migration', '_yoyo_log', '_yoyo_version', 'yoyo_lock'
            ))
        )
        UNION ALL
        SELECT format('ALTER ROUTINE %s OWNER TO hxi_owner', oid::regprocedure) FROM pg_proc
        WHERE pronamespace IN ('hxi_state'::regnamespace, 'analytics'::regnamespace)
            AND proowner <> 'hxi_owner'::regrole
        UNION ALL
        SELECT format('ALTER TYPE %s OWNER TO hxi_owner', t.oid::regtype)
        FROM pg_type AS t LEFT JOIN pg_class AS c ON c.oid = t.typrelid
        WHERE t.typnamespace IN ('hxi_state'::regnamespace, 'analytics'::regnamespace)
            AND (c.relkind = 'c' OR t.typtype IN ('d', 'e', 'r')) AND t.typowner <> 'hxi_owner'::regrole
        UNION ALL
        SELECT format('ALTER STATISTICS %I.%I OWNER TO hxi_owner', stxnamespace::regnamespace::text, stxname)
        FROM pg_statistic_ext
        WHERE stxnamespace = current_schema()::regnamespace AND stxname = 'heatmap_points_visits'
            AND stxowner <> 'hxi_owner'::regrole
    LOOP
        EXECUTE statement;
    END LOOP;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO hxi_writer, hxi_analyst', current_schema());
    -- Who may connect is the server's business. By default everybody who may can fill its disks, too, with temporary tables
    -- and large objects: not where the database is HXI's alone, as far as the migrating role may say so. Workers need
    -- temporary tables, and so do owners who run one.
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO hxi_writer, hxi_owner', current_database());
    IF NOT EXISTS (
        SELECT FROM pg_class AS c
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relowner <> 'hxi_owner'::regrole
            AND c.relnamespace::regnamespace::text NOT LIKE 'pg\_%'
            AND c.relnamespace <> 'information_schema'::regnamespace
            AND NOT EXISTS (
                SELECT FROM pg_depend AS d
                WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e' -- an extension's
            )
    ) THEN
        IF pg_has_role((SELECT datdba FROM pg_database WHERE datname = current_database()), 'USAGE') THEN
            EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
        END IF;
        IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
            REVOKE EXECUTE ON FUNCTION lo_creat(INT), lo_create(OID), lo_from_bytea(OID, BYTEA) FROM PUBLIC;
        END IF;
    END IF;
END
$$;

-- What was granted before and is not below is taken back.
REVOKE ALL ON
    users, sessions, events, rage_click_events, heatmap_points, journey_steps, latency_metrics, emotion_predictions,
    experience_scores, session_replay_chunks, error_logs, latency_rollups,
    _yoyo_migration, _yoyo_log, _yoyo_version, yoyo_lock
FROM hxi_writer, hxi_analyst;
REVOKE ALL ON
    events_event_id_seq, rage_click_events_id_seq, heatmap_points_id_seq, journey_steps_id_seq, latency_metrics_id_seq,
    emotion_predictions_id_seq, experience_scores_id_seq, session_replay_chunks_id_seq, error_logs_id_seq
FROM hxi_writer, hxi_analyst;
REVOKE ALL ON ALL TABLES IN SCHEMA hxi_state, analytics FROM hxi_writer, hxi_analyst;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA hxi_state, analytics FROM hxi_writer, hxi_analyst;
REVOKE ALL ON SCHEMA hxi_state, analytics FROM hxi_writer, hxi_analyst;

-- Functions: none reads more than its caller may, and one, hxi_state.hold_events, locks what its caller may not. They are
-- granted by name of the role, because administrators take from everybody what PostgreSQL gives to everybody.
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA hxi_state TO hxi_writer;
GRANT EXECUTE ON FUNCTION analytics.merge_sketches TO hxi_writer;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA analytics TO hxi_analyst;
GRANT EXECUTE ON FUNCTION hxi_state.demand, hxi_state.scored_troubles, hxi_state.scores_of TO hxi_analyst;

-- The worker.
GRANT USAGE ON SCHEMA hxi_state, analytics TO hxi_writer;
GRANT SELECT (migration_id) ON _yoyo_migration TO hxi_writer;
GRANT SELECT, INSERT, UPDATE ON hxi_state.ledger, hxi_state.latency_windows, hxi_state.user_agents TO hxi_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON hxi_state.unjudged TO hxi_writer;
GRANT INSERT ON hxi_state.session_users TO hxi_writer;
GRANT SELECT, INSERT, UPDATE ON users, sessions, heatmap_points, journey_steps, emotion_predictions TO hxi_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON rage_click_events, experience_scores TO hxi_writer;
GRANT SELECT, INSERT ON events, latency_metrics TO hxi_writer;
GRANT INSERT ON session_replay_chunks, error_logs TO hxi_writer;
GRANT SELECT (id, session_id, chunk_index, source_offset) ON session_replay_chunks TO hxi_writer;
GRANT SELECT (id) ON error_logs TO hxi_writer;
GRANT UPDATE ON SEQUENCE
    events_event_id_seq, rage_click_events_id_seq, heatmap_points_id_seq, journey_steps_id_seq, latency_metrics_id_seq,
    emotion_predictions_id_seq, experience_scores_id_seq, session_replay_chunks_id_seq, error_logs_id_seq
TO hxi_writer;

-- People who query. The function analytics.latency reads the windows, which name nobody.
GRANT USAGE ON SCHEMA analytics TO hxi_analyst;
GRANT SELECT ON
    users, sessions, events, rage_click_events, heatmap_points, journey_steps, latency_metrics, emotion_predictions,
    experience_scores, session_replay_chunks, error_logs, latency_rollups,
    analytics.heatmap, analytics.session_devices, analytics.bot_sessions,
    analytics.session_overview, analytics.replays,
    hxi_state.latency_windows, hxi_state.user_agents
TO hxi_analyst;
