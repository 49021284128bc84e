-- The columns of the tables, the sequences and the functions in the schemas of HXI: as schema/sql/inventory.txt names them. Takes no
-- rights to any of them.
WITH schemas AS (
    SELECT oid, CASE WHEN nspname <> current_schema() THEN nspname || '.' ELSE '' END AS prefix
    FROM pg_namespace WHERE nspname IN ('hxi_state', 'analytics', current_schema())
)
SELECT s.prefix || c.relname, a.attname::text
FROM schemas AS s
JOIN pg_class AS c ON c.relnamespace = s.oid AND c.relkind IN ('r', 'p')
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT s.prefix || c.relname, '' FROM schemas AS s JOIN pg_class AS c ON c.relnamespace = s.oid AND c.relkind = 'S'
UNION ALL
SELECT s.prefix || p.proname || '()', '' FROM schemas AS s JOIN pg_proc AS p ON p.pronamespace = s.oid
