-- The statement that reads a table or view of public or analytics, every column as Parquet has a type for it and every
-- name quoted by the server; and the column that periods go by: window_start, or else its first TIMESTAMP. Times that
-- Arrow has no room for, infinity among them, are NULL.
WITH relation AS (
    SELECT c.oid, n.nspname, c.relname
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('public', 'analytics') AND c.relkind IN ('r', 'p', 'v', 'm')
        AND %(name)s IN (c.relname::text, n.nspname || '.' || c.relname)
    ORDER BY n.nspname = 'public' DESC
    LIMIT 1
), columns AS (
    SELECT
        a.attnum, a.attname, t.typname,
        CASE
            WHEN t.typname IN ('timestamp', 'timestamptz', 'date') THEN format(
                'CASE WHEN %%1$I BETWEEN ''4713-01-01 BC'' AND ''290000-01-01'' THEN %%1$I%%2$s END AS %%1$I',
                a.attname, CASE t.typname WHEN 'timestamp' THEN ' AT TIME ZONE ''UTC''' END
            )
            WHEN t.typname = 'numeric' THEN format('%%1$I::float8 AS %%1$I', a.attname)
            WHEN t.typname IN (
                'bool', 'int2', 'int4', 'int8', 'float4', 'float8', 'text', 'varchar', 'uuid', 'json', 'jsonb', 'bytea',
                '_bool', '_int2', '_int4', '_int8', '_float4', '_float8', '_text', '_varchar', '_uuid', 'latency_sketch'
            ) THEN format('%%I', a.attname)
            ELSE format('%%1$I::text AS %%1$I', a.attname)
        END AS expression
    FROM relation AS r
        JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_type AS t ON t.oid = a.atttypid
), period AS (
    SELECT attname FROM columns WHERE typname = 'timestamp' ORDER BY attname = 'window_start' DESC, attnum LIMIT 1
)
SELECT
    format('SELECT %%s FROM %%I.%%I', (SELECT string_agg(expression, ', ' ORDER BY attnum) FROM columns), nspname, relname)
        || coalesce((
            SELECT format(
                ' WHERE %%1$I >= %%2$L AND %%1$I < %%3$L', attname,
                coalesce(%(from_time)s::timestamp, '-infinity'), coalesce(%(to_time)s::timestamp, 'infinity')
            )
            FROM period WHERE %(is_whole)s IS FALSE
        ), '') AS statement,
    (SELECT attname FROM period) AS period_column
FROM relation
