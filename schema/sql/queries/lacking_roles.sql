-- What somebody with more rights has to run before rights can be settled, in this order.
SELECT statement FROM (
    SELECT 1, name, format('CREATE ROLE %%I NOLOGIN', name)
    FROM unnest(ARRAY['hxi_owner', 'hxi_writer', 'hxi_analyst']) AS name
    WHERE to_regrole(name) IS NULL
    UNION ALL
    SELECT 2, NULL, format(
        'GRANT hxi_owner TO %%I%%s', current_user, CASE WHEN version >= 160000 THEN ' WITH INHERIT TRUE, SET TRUE' END
    )
    FROM current_setting('server_version_num') AS setting, CAST(setting AS INT) AS version
    WHERE pg_has_role(to_regrole('hxi_owner'), 'USAGE') IS NOT TRUE
        OR pg_has_role(to_regrole('hxi_owner'), CASE WHEN version >= 160000 THEN 'SET' ELSE 'MEMBER' END) IS NOT TRUE
    UNION ALL
    SELECT 3, NULL, format('GRANT USAGE, CREATE ON SCHEMA %%I TO hxi_owner', current_schema())
    WHERE has_schema_privilege(to_regrole('hxi_owner'), current_schema(), 'CREATE') IS NOT TRUE
) AS lacking (step, name, statement)
ORDER BY step, name
