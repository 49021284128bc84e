"""Whoever looks at a table, view, column, function or type with a database tool is told what it is."""

from tests.integration.test_rights import ask

UNCOMMENTED = """
WITH ours AS (
    SELECT oid, oid::regclass::text AS name, relkind FROM pg_class
    WHERE relnamespace IN ('public'::regnamespace, 'analytics'::regnamespace, 'hxi_state'::regnamespace)
        AND relkind IN ('r', 'p', 'v', 'm', 'c')
)
SELECT name FROM ours WHERE relkind <> 'c' AND obj_description(oid, 'pg_class') IS NULL
UNION ALL
SELECT name || '.' || attname FROM ours JOIN pg_attribute ON attrelid = oid AND attnum > 0 AND NOT attisdropped
WHERE col_description(oid, attnum) IS NULL
UNION ALL
SELECT oid::regprocedure::text FROM pg_proc
WHERE pronamespace IN ('public'::regnamespace, 'analytics'::regnamespace) AND obj_description(oid, 'pg_proc') IS NULL
UNION ALL
SELECT t.oid::regtype::text FROM pg_type AS t LEFT JOIN pg_class AS c ON c.oid = t.typrelid
WHERE t.typnamespace IN ('public'::regnamespace, 'analytics'::regnamespace)
    AND (c.relkind = 'c' OR t.typtype IN ('d', 'e', 'r', 'm')) AND obj_description(t.oid, 'pg_type') IS NULL
UNION ALL
SELECT nspname FROM pg_namespace
WHERE nspname IN ('analytics', 'hxi_state') AND obj_description(oid, 'pg_namespace') IS NULL
ORDER BY 1
"""


def test_everything_in_the_database_says_what_it_is(database_url: str) -> None:
    assert ask(database_url, UNCOMMENTED) == []


def test_what_says_nothing_of_itself_is_found(database_url: str) -> None:
    made = """
        CREATE TABLE t (a INT); COMMENT ON TABLE t IS 'A table.';
        CREATE VIEW analytics.v AS SELECT 1 AS b;
        CREATE FUNCTION analytics.f() RETURNS INT LANGUAGE SQL RETURN 1;
        CREATE TYPE analytics.e AS ENUM ('x');
        CREATE TABLE hxi_state.s (c INT);
    """
    ask(database_url, made)
    assert [name for (name,) in ask(database_url, UNCOMMENTED)] == [
        "analytics.e",
        "analytics.f()",
        "analytics.v",
        "analytics.v.b",
        "hxi_state.s",
        "hxi_state.s.c",
        "t.a",
    ]
