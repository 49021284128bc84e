-- What this login lacks of the rights that a worker needs, and what it holds beyond them: on tables and views of HXI's,
-- by column or whole, on sequences, functions, schemas and the database. Where a column is concerned, its table is named.
-- A row without a name says that something that rights are needed to is not there. No name is looked up: that takes
-- rights itself.
WITH needed AS (
    SELECT c.oid, n.privilege, n.attname
    FROM unnest(%(schemas)s::text[], %(objects)s::text[], %(privileges)s::text[], %(columns)s::text[])
        AS n (nspname, object, privilege, attname)
    LEFT JOIN pg_namespace AS s ON s.nspname = coalesce(n.nspname, current_schema())
    LEFT JOIN pg_class AS c ON c.relnamespace = s.oid AND c.relname = n.object
), relations AS (
    SELECT oid, relkind FROM pg_class
    WHERE relkind IN ('r', 'p', 'v', 'm', 'S')
        AND (relowner = to_regrole('hxi_owner') OR oid IN (SELECT oid FROM needed))
), rights AS (
    SELECT p.privilege || ' ON ' || r.oid::regclass AS name,
        has_column_privilege(r.oid, a.attnum, p.privilege) AS is_held,
        EXISTS (
            SELECT FROM needed AS n
            WHERE n.oid = r.oid AND n.privilege = p.privilege AND coalesce(n.attname, a.attname) = a.attname
        ) AS is_needed
    FROM relations AS r
    JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS p (privilege)
    WHERE r.relkind <> 'S'
    UNION ALL
    SELECT p.privilege || ' ON ' || r.oid::regclass, has_table_privilege(r.oid, p.privilege),
        EXISTS (SELECT FROM needed AS n WHERE n.oid = r.oid AND n.privilege = p.privilege)
    FROM relations AS r CROSS JOIN unnest(ARRAY['DELETE', 'TRUNCATE']) AS p (privilege)
    WHERE r.relkind <> 'S'
    UNION ALL
    SELECT 'UPDATE ON SEQUENCE ' || r.oid::regclass, has_sequence_privilege(r.oid, 'UPDATE'),
        EXISTS (SELECT FROM needed AS n WHERE n.oid = r.oid AND n.privilege = 'UPDATE')
    FROM relations AS r
    WHERE r.relkind = 'S'
    UNION ALL
    SELECT 'EXECUTE ON FUNCTION ' || p.oid::regprocedure, has_function_privilege(p.oid, 'EXECUTE'), true
    FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname = 'hxi_state' OR n.nspname = 'analytics' AND p.proname = 'merge_sketches'
    UNION ALL
    SELECT p.privilege || ' ON SCHEMA ' || n.oid::regnamespace, has_schema_privilege(n.oid, p.privilege),
        p.privilege = 'USAGE'
    FROM pg_namespace AS n CROSS JOIN unnest(ARRAY['USAGE', 'CREATE']) AS p (privilege)
    WHERE n.nspname IN ('hxi_state', 'analytics', current_schema())
    UNION ALL
    SELECT p.privilege || ' ON DATABASE ' || quote_ident(current_database()),
        has_database_privilege(current_database(), p.privilege), p.privilege = 'TEMPORARY'
    FROM unnest(ARRAY['TEMPORARY', 'CREATE']) AS p (privilege)
)
SELECT name, bool_or(is_needed AND NOT is_held) AS is_lacking
FROM rights
GROUP BY name
HAVING bool_or(is_needed <> is_held)
UNION ALL
SELECT NULL, true WHERE EXISTS (SELECT FROM needed WHERE oid IS NULL)
ORDER BY name
