"""Who may do what: workers exactly what they need, analysts read, owners migrate, and nobody has to be a superuser."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from agents.commands.migrate import migrate_database
from agents.embedded import Postgres
from agents.settings import load_settings
from pipeline.fold import FoldPolicy
from pipeline.sinks.contract import Unavailable
from pipeline.sinks.migrations import SchemaMismatch, check_schema, migrate
from pipeline.sinks.postgres import PostgresSink
from schema.events import API_CALL, ERROR, PAGE_VIEW, SESSION_END
from schema.rows import ApiCall, JsError
from tests.builders import REPLAY, TOPICS, Owner, busy, facts, kept, kept_chunk, numbered, user
from tests.conftest import drop_database, new_database
from tests.deployment import TABLES, fresh_name
from tests.roles import as_analyst, as_writer

ALL = 1000
CHUNK_COLUMNS = "chunk_index,id,session_id,source_offset"

DECISIONS = {
    **dict.fromkeys(("users", "sessions", "heatmap_points", "journey_steps", "emotion_predictions"), ("arw", "r")),
    **dict.fromkeys(("rage_click_events", "experience_scores"), ("adrw", "r")),
    "events": ("ar", "r"),
    "latency_metrics": ("ar", "r"),
    "session_replay_chunks": (f"a r({CHUNK_COLUMNS})", "r"),
    "error_logs": ("a r(id)", "r"),
    "latency_rollups": ("", "r"),
    "analytics.heatmap": ("", "r"),
    "analytics.session_devices": ("", "r"),
    "analytics.bot_sessions": ("", "r"),
    "analytics.session_overview": ("", "r"),
    "analytics.replays": ("", "r"),
    "hxi_state.ledger": ("arw", ""),
    "hxi_state.unjudged": ("adrw", ""),
    "hxi_state.session_users": ("a", ""),
    "hxi_state.latency_windows": ("arw", "r"),
    "hxi_state.user_agents": ("arw", "r"),
    "_yoyo_migration": ("r(migration_id)", ""),
    **dict.fromkeys(("_yoyo_log", "_yoyo_version", "yoyo_lock"), ("", "")),
    "events_event_id_seq": ("w", ""),
    **{f"{table}_id_seq": ("w", "") for table in TABLES if table not in ("users", "sessions", "events")},
}
"""What hxi_writer and hxi_analyst may do with every table, view and sequence there is, in PostgreSQL's letters:
a INSERT, r SELECT, w UPDATE, d DELETE; of some columns only where those are named."""

GRANTED = """
WITH objects AS (
    SELECT oid, oid::regclass::text AS name, relkind, relacl, relowner FROM pg_class
    WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
        AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
        AND relnamespace::regnamespace::text NOT LIKE 'pg_t%%'
)
SELECT o.name, o.relkind, x.privilege_type, NULL AS attname FROM objects AS o, aclexplode(o.relacl) AS x
WHERE x.grantee = %(role)s::regrole
UNION ALL
SELECT o.name, o.relkind, x.privilege_type, c.attname FROM objects AS o JOIN pg_attribute AS c ON c.attrelid = o.oid,
    aclexplode(c.attacl) AS x
WHERE x.grantee = %(role)s::regrole
ORDER BY 1, 2, 3, 4
"""
OBJECTS = GRANTED.partition(")\nSELECT o.name")[0] + ") SELECT name, relowner::regrole::text FROM objects"
LETTERS = {"INSERT": "a", "SELECT": "r", "UPDATE": "w", "DELETE": "d", "TRUNCATE": "D", "REFERENCES": "x"}


def ask(url: str, question: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """Run statements and return the rows of the last, if it has any."""
    with psycopg.connect(url) as connection:
        cursor = connection.execute(question.encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []


def granted(url: str, role: str) -> dict[str, str]:
    """Return what ``role`` may do, by table, view or sequence, in PostgreSQL's letters."""
    whole: dict[str, set[str]] = {}
    columns: dict[tuple[str, str], list[str]] = {}
    for name, _, privilege, column in ask(url, GRANTED, role=role):
        letter = LETTERS.get(privilege, privilege)
        if column is None:
            whole.setdefault(name, set()).add(letter)
        else:
            columns.setdefault((name, letter), []).append(column)
    found = {name: ["".join(sorted(letters))] for name, letters in whole.items()}
    for (name, letter), names in columns.items():
        found.setdefault(name, []).append(f"{letter}({','.join(names)})")
    return {name: " ".join(parts) for name, parts in found.items()}


def test_every_table_view_and_sequence_has_a_decision_on_who_may_do_what(database_url: str) -> None:
    writer, analyst = granted(database_url, "hxi_writer"), granted(database_url, "hxi_analyst")
    objects = dict(ask(database_url, OBJECTS))
    assert {name: (writer.get(name, ""), analyst.get(name, "")) for name in objects} == DECISIONS
    assert set(objects.values()) == {"hxi_owner"}, "what is new is to be given to hxi_owner in schema/sql/rights.sql"


async def do_what_workers_do(url: str) -> None:
    """Do everything that a worker ever does with its database, in a session of its own."""
    check_schema(url)
    sink = PostgresSink(url, "rights", FoldPolicy())
    session_id = uuid4()
    mine: dict[str, Any] = {"session_id": session_id}
    try:
        owner = await Owner.of(sink, REPLAY)
        call = kept(61, API_CALL, api_call=ApiCall("/a", 9, 200), **mine)
        said = facts(device_id="d", user_agent="u")
        error = kept(62, ERROR, error=JsError("it broke", None), user=user(), facts=said, **mine)
        await owner.write(*busy(0, 40, **mine), kept(60, PAGE_VIEW, screen_name="/a", **mine), call, error)
        await owner.write(kept_chunk(0, **mine), *(kept(63 + n / 10, x=1, y=1, **mine) for n in range(3)))
        await owner.write(kept(63.3, x=1, y=1, user=user(numbered(2)), **mine), kept(70, SESSION_END, **mine))
        await sink.histories([session_id], 60)
        await sink.known({(session_id, uuid4())})
        await sink.known_chunks({(session_id, 0)})
        await sink.replay_tallies({session_id})
        await sink.mark_caught_up({REPLAY: owner.claim})
        await sink.end_quiet_sessions(1, TOPICS)
        assert await sink.judge(ALL) >= 1
        await sink._run("skip_taken_ids")
    finally:
        await sink.close()


def writers_rights(url: str) -> Iterator[tuple[str, str]]:
    """Yield every right of hxi_writer that not everybody has, as GRANT has it: what, and on what."""
    for name, kind, privilege, column in ask(url, GRANTED, role="hxi_writer"):
        of = f" ({column})" if column else ""
        yield f"{privilege}{of}", f"SEQUENCE {name}" if kind == "S" else name
    for schema in ("hxi_state", "analytics"):
        yield "USAGE", f"SCHEMA {schema}"


def works(url: str) -> bool:
    """Return whether a worker can do its work as the member of hxi_writer that it is."""
    try:
        asyncio.run(do_what_workers_do(as_writer(url)))
    except (Unavailable, SchemaMismatch):
        return False
    return True


def test_the_writer_needs_each_of_its_rights(database_url: str) -> None:
    assert works(database_url)
    unneeded = []
    for privilege, on in writers_rights(database_url):
        ask(database_url, f"REVOKE {privilege} ON {on} FROM hxi_writer; DELETE FROM hxi_state.unjudged")
        if works(database_url):
            unneeded.append(f"{privilege} ON {on}")
        ask(database_url, f"GRANT {privilege} ON {on} TO hxi_writer")
    assert unneeded == []
    assert works(database_url)


FUNCTIONS_FOR_NOBODY = "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA hxi_state, analytics FROM PUBLIC"


def test_functions_that_were_taken_from_everybody_are_still_the_workers_and_the_analysts(database_url: str) -> None:
    ask(database_url, FUNCTIONS_FOR_NOBODY)
    assert works(database_url)
    for what in READ:
        ask(as_analyst(database_url), f"SELECT * FROM {what} AS it")
    ask(database_url, FUNCTIONS_FOR_NOBODY.replace("PUBLIC", "hxi_writer, hxi_analyst"))
    assert not works(database_url)
    assert migrate(database_url).left == ()
    assert works(database_url)


MAKING_LARGE_OBJECTS = ["SELECT lo_create(0)", "SELECT lo_creat(-1)", "SELECT lo_from_bytea(0, 'x')"]
WRITERS_TRIES = [
    "DELETE FROM events",
    "UPDATE events SET metadata = NULL",
    "UPDATE events SET viewport_height = 1",
    "SELECT event_id FROM events FOR KEY SHARE",
    "CREATE OR REPLACE FUNCTION hxi_state.hold_events(ids BIGINT[]) RETURNS SETOF BIGINT LANGUAGE SQL RETURN 1",
    *MAKING_LARGE_OBJECTS,
    "DELETE FROM users",
    "DELETE FROM sessions",
    "TRUNCATE hxi_state.unjudged",
    "TRUNCATE events CASCADE",
    "SELECT chunk_data FROM session_replay_chunks",
    "SELECT error_message FROM error_logs",
    "DELETE FROM hxi_state.ledger",
    "UPDATE _yoyo_migration SET migration_id = 'x'",
    "CREATE TABLE mine ()",
    "CREATE TABLE hxi_state.mine ()",
    "CREATE SCHEMA mine",
    "ALTER TABLE events ADD COLUMN mine INT",
    "CREATE TRIGGER mine BEFORE INSERT ON events EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE OR REPLACE FUNCTION analytics.merge_sketches(a analytics.latency_sketch, b analytics.latency_sketch)"
    " RETURNS analytics.latency_sketch LANGUAGE SQL RETURN a",
    "GRANT hxi_owner TO CURRENT_USER",
    "SET ROLE hxi_owner",
    "COPY users TO PROGRAM 'true'",
]
ANALYSTS_TRIES = [
    *(f"INSERT INTO {table} DEFAULT VALUES" for table in TABLES),
    *(f"DELETE FROM {table}" for table in TABLES),
    *(f"TRUNCATE {table} CASCADE" for table in TABLES),
    "UPDATE users SET email = NULL",
    "SELECT * FROM hxi_state.ledger",
    "SELECT * FROM hxi_state.unjudged",
    "SELECT * FROM _yoyo_migration",
    "SELECT nextval('events_event_id_seq')",
    "CREATE VIEW mine AS SELECT 1",
    "CREATE TABLE analytics.mine ()",
    "SET ROLE hxi_writer",
    "SELECT * FROM users FOR UPDATE",
    "SELECT hxi_state.hold_events('{}')",
    "CREATE TEMPORARY TABLE mine ()",
    "SELECT 1 AS one INTO TEMPORARY mine",
    *MAKING_LARGE_OBJECTS,
]


@pytest.mark.parametrize(
    ("as_whom", "statement"),
    [(as_writer, statement) for statement in WRITERS_TRIES] + [(as_analyst, statement) for statement in ANALYSTS_TRIES],
)
def test_what_nobody_granted_is_refused(migrated_url: str, as_whom: Any, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        ask(as_whom(migrated_url), statement)


@pytest.fixture(scope="module")
def migrated_url(postgres: Postgres, template_database: str) -> Iterator[str]:
    """One migrated database for all that is refused, and so changes nothing."""
    name = fresh_name("refused")
    url = new_database(postgres.address, name, template_database)
    migrate(url)  # a copy has not the rights to the database itself
    yield url
    drop_database(postgres.address, name)


READ = [
    *TABLES,
    *("latency_rollups", "analytics.heatmap"),
    *(
        f"analytics.{function}('-infinity', 'infinity')"
        for function in (
            *("rage_hot_spots", "scroll_depths", "journeys", "top_paths", "transitions", "going_back"),
            *("latency", "error_groups"),
        )
    ),
    "analytics.heatmap_grid('-infinity', 'infinity', 'a')",
    "analytics.funnel('-infinity', 'infinity', '{a,b}')",
    "analytics.latency_over_time('2024-01-01', 'infinity')",
    "(SELECT analytics.percentile(analytics.merged(sketch), 0.95) FROM latency_rollups)",
]


@pytest.mark.parametrize("what", READ)
def test_analysts_may_read_what_is_for_them(migrated_url: str, what: str) -> None:
    ask(as_analyst(migrated_url), f"SELECT * FROM {what} AS it")


def test_a_worker_may_make_temporary_tables_in_a_database_where_not_everybody_may(migrated_url: str) -> None:
    ask(as_writer(migrated_url), "CREATE TEMPORARY TABLE mine ()")


def test_a_worker_holds_events_and_nothing_that_it_calls_the_same(database_url: str) -> None:
    ask(database_url, "INSERT INTO events (event_id) VALUES (1), (2), (3)")
    hidden = "CREATE TEMPORARY TABLE events (event_id BIGINT); INSERT INTO pg_temp.events VALUES (4);"
    with psycopg.connect(as_writer(database_url)) as worker:
        worker.execute(hidden.encode())
        assert worker.execute("SELECT hxi_state.hold_events('{3, 1, 1, 4, NULL}')").fetchall() == [(1,), (3,)]
        free = "SELECT event_id FROM events FOR UPDATE SKIP LOCKED"
        assert ask(database_url, free) == [(2,)]


def test_what_everybody_may_in_a_database_of_others_too_stays(postgres: Postgres, template_database: str) -> None:
    name = fresh_name("shared")
    url = new_database(postgres.address, name, template_database)
    may = "SELECT has_database_privilege('hxi_analyst', current_database(), 'TEMPORARY')"
    try:
        ask(url, "CREATE SCHEMA theirs; CREATE TABLE theirs.own ()")
        migrate(url)
        assert ask(url, may) == [(True,)]
        ask(url, "DROP TABLE theirs.own")
        migrate(url)
        assert ask(url, may) == [(False,)]
        assert works(url)
    finally:
        drop_database(postgres.address, name)


class Server:
    """A server on which nobody has made HXI's roles yet."""

    def __init__(self, postgres: Postgres) -> None:
        self.url = postgres.address

    def administer(self, *statements: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def database_of(self, owner: str) -> str:
        """Make a database that belongs to ``owner``, and return its URL for them."""
        name = fresh_name("theirs")
        self.administer(f'CREATE DATABASE "{name}" OWNER {owner}')
        return f"postgresql://{owner}:secret@{urlsplit(self.url).netloc.rpartition('@')[2]}/{name}"


@pytest.fixture
def server(own_postgres: Postgres) -> Server:
    return Server(own_postgres)


def assert_can_go_on_migrating(url: str) -> None:
    """Do what later migrations do, and what others may, as the role that has migrated; settle rights anew."""
    ask(url, "ALTER TABLE events ADD COLUMN later INT; CREATE INDEX later ON events (later)")
    ask(url, "CREATE TABLE hxi_state.later (session_id UUID REFERENCES sessions)")
    ask(url, "INSERT INTO sessions DEFAULT VALUES; INSERT INTO events DEFAULT VALUES; TRUNCATE hxi_state.unjudged")
    assert migrate(url).left == ()
    ask(url, "DROP TABLE hxi_state.later; ALTER TABLE events DROP COLUMN later")
    assert {owner for _, owner in ask(url, OBJECTS)} == {"hxi_owner"}


def test_a_role_that_may_make_no_roles_migrates_and_is_told_what_an_administrator_has_to_run(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.administer("CREATE ROLE plain LOGIN NOINHERIT PASSWORD 'secret'")
    url = server.database_of("plain")
    settings = load_settings({"HXI_DATABASE_URL": url})
    migrate_database(settings)
    said = capsys.readouterr()
    assert "run hxi migrate again" in said.err
    statements = said.out.splitlines()
    assert statements == [
        *(f"CREATE ROLE {name} NOLOGIN;" for name in ("hxi_analyst", "hxi_owner", "hxi_writer")),
        "GRANT hxi_owner TO plain WITH INHERIT TRUE, SET TRUE;",
        "GRANT USAGE, CREATE ON SCHEMA public TO hxi_owner;",
    ]
    ask(url, "INSERT INTO users DEFAULT VALUES")
    there = urlsplit(server.url)._replace(path=urlsplit(url).path).geturl()
    ask(there, "".join(statements))
    migrate_database(settings)
    assert capsys.readouterr().out == ""
    database = f'DATABASE "{urlsplit(url).path[1:]}"'
    server.administer(f"REVOKE ALL ON {database} FROM PUBLIC", f"GRANT CONNECT ON {database} TO hxi_writer")
    assert works(there)
    assert_can_go_on_migrating(url)


def test_a_role_that_may_make_roles_needs_nobody_else_and_can_migrate_later(server: Server) -> None:
    server.administer("CREATE ROLE maker LOGIN CREATEROLE PASSWORD 'secret'")
    url = server.database_of("maker")
    assert migrate(url).left == ()
    assert_can_go_on_migrating(url)
    server.administer(
        "CREATE ROLE another LOGIN PASSWORD 'secret'", "GRANT hxi_owner TO another WITH INHERIT TRUE, SET TRUE"
    )
    others_url = url.replace("//maker:", "//another:")
    assert migrate(others_url) == ((), migrate(url).known, (), 0)
    assert_can_go_on_migrating(others_url)


def test_databases_of_one_server_may_be_migrated_at_once(server: Server) -> None:
    server.administer("CREATE ROLE maker LOGIN CREATEROLE PASSWORD 'secret'")
    urls = [server.database_of("maker") for _ in range(4)] * 2
    with ThreadPoolExecutor(len(urls)) as threads:
        results = list(threads.map(migrate, urls))
    assert {result.left for result in results} == {()}
    for url in set(urls):
        assert granted(url, "hxi_writer").keys() == {name for name, (writer, _) in DECISIONS.items() if writer}
