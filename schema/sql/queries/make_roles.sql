-- Makes the group roles, as far as the migrating one may; `lacking_roles` tells what it might not. Roles belong to the
-- whole server: another database's migration may make them at the same time.
DO $$
DECLARE
    name TEXT;
    version INT := current_setting('server_version_num');
BEGIN
    FOREACH name IN ARRAY ARRAY['hxi_owner', 'hxi_writer', 'hxi_analyst'] LOOP
        IF to_regrole(name) IS NULL THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            EXCEPTION
                WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN NULL;
            END;
        END IF;
    END LOOP;
    -- Who gives its tables away must still be able to migrate them: by default, since PostgreSQL 16, who makes a role
    -- may grant it, and neither use it nor give it anything.
    IF NOT pg_has_role(to_regrole('hxi_owner'), 'USAGE')
        OR NOT pg_has_role(to_regrole('hxi_owner'), CASE WHEN version >= 160000 THEN 'SET' ELSE 'MEMBER' END)
    THEN
        BEGIN
            EXECUTE 'GRANT hxi_owner TO CURRENT_USER'
                || CASE WHEN version >= 160000 THEN ' WITH INHERIT TRUE, SET TRUE' ELSE '' END;
        EXCEPTION
            -- The latter two: the same role migrates another database, and has just been granted it there.
            WHEN insufficient_privilege OR unique_violation OR internal_error THEN NULL;
        END;
    END IF;
    IF NOT has_schema_privilege(to_regrole('hxi_owner'), current_schema(), 'CREATE') THEN
        BEGIN
            EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %I TO hxi_owner', current_schema());
        EXCEPTION
            WHEN insufficient_privilege THEN NULL;
        END;
    END IF;
END
$$
