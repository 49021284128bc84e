"""The migrated database is the schema as it was written, and stays open to plain INSERTs of others."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from agents.embedded import Postgres
from pipeline.fold import FoldPolicy
from pipeline.moments import moment
from pipeline.sinks.contract import Unavailable
from pipeline.sinks.migrations import _LOCK, SchemaMismatch, check_schema, migrate
from pipeline.sinks.postgres import PostgresSink
from schema.events import PAGE_VIEW, SESSION_END
from schema.sql import inventory, migrations_folder, query
from tests.builders import REPLAY, SESSION, TOPICS, USER, Owner, at, busy, facts, kept, kept_chunk, numbered, user
from tests.conftest import new_database
from tests.deployment import fresh_name
from tests.roles import as_writer

ORIGINAL = Path(__file__).parents[2] / "schema" / "tables.md"
STATEMENTS = re.findall(r"^CREATE (?:TABLE|INDEX) .*?;$", ORIGINAL.read_text("utf-8"), re.MULTILINE | re.DOTALL)
TABLES = [match.group(1) for text in STATEMENTS if (match := re.match(r"CREATE TABLE (\w+)", text))]
MIGRATIONS = sorted(file.stem for file in migrations_folder().glob("*.sql"))

COLUMNS = """
SELECT column_name, data_type, character_maximum_length, column_default, is_nullable
FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s ORDER BY ordinal_position
"""
CONSTRAINTS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = %s::regclass AND contype <> 'n' ORDER BY conname
"""
INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = %s ORDER BY indexname"
WAITING = """
SELECT count(*) FROM pg_locks JOIN pg_database AS d ON d.oid = database
WHERE locktype = 'advisory' AND NOT granted AND d.datname = current_database()
"""

Answer = list[tuple[Any, ...]]


def ask(url: str, question: str, *parameters: Any) -> Answer:
    """Run a statement and return its rows, if it has any."""
    with psycopg.connect(url) as connection:
        cursor = connection.execute(question.encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def empty_url(postgres: Postgres) -> Iterator[str]:
    """A database with nothing in it."""
    name = fresh_name("empty")
    yield new_database(postgres.address, name)
    ask_outside(postgres.address, f'DROP DATABASE "{name}" WITH (FORCE)')


def ask_outside(url: str, statement: str) -> None:
    """Run a statement that no transaction may hold."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.fixture
def original_url(empty_url: str) -> str:
    """The eleven tables exactly as `schema/tables.md` writes them."""
    for statement in STATEMENTS:
        ask(empty_url, statement)
    return empty_url


def test_the_original_has_eleven_tables_and_two_indexes() -> None:
    assert (len(TABLES), len(STATEMENTS)) == (11, 13)


def test_every_table_keeps_its_columns_keys_references_and_indexes(original_url: str, database_url: str) -> None:
    for table in TABLES:
        before, after = (ask(url, COLUMNS, table) for url in (original_url, database_url))
        assert after[: len(before)] == before, f"{table}: columns are added behind the original ones only"
        assert all(nullable == "YES" for *_, nullable in after[len(before) :]), f"{table}: added columns may be NULL"
        assert ask(database_url, CONSTRAINTS, table) == ask(original_url, CONSTRAINTS, table), table
        assert set(ask(database_url, INDEXES, table)) >= set(ask(original_url, INDEXES, table)), table


def test_added_columns_have_no_default_that_would_change_a_row_of_others(original_url: str, database_url: str) -> None:
    for table in TABLES:
        added = ask(database_url, COLUMNS, table)[len(ask(original_url, COLUMNS, table)) :]
        assert [default for _, _, _, default, _ in added] == [None] * len(added), table


def test_a_plain_insert_works_twice_on_every_table(database_url: str) -> None:
    for table in TABLES * 2:
        ask(database_url, f"INSERT INTO {table} DEFAULT VALUES")
    for table in TABLES:
        assert ask(database_url, f"SELECT count(*) FROM {table}") == [(2,)], table


def test_the_same_values_may_be_inserted_twice_where_the_original_allows_it(
    original_url: str, database_url: str
) -> None:
    values = {"session_id": SESSION, "chunk_index": 1, "x": 1, "score": 50, "chunk_data": "[]", "issues": "[]"}
    ask(database_url, "INSERT INTO sessions (session_id) VALUES (%s)", SESSION)
    for table in [name for name in TABLES if name not in ("users", "sessions")]:
        given = {name: values[name] for name, *_ in ask(original_url, COLUMNS, table) if name in values}
        insert = f"INSERT INTO {table} ({', '.join(given)}) VALUES ({', '.join(['%s'] * len(given))})"
        for _ in range(2):
            ask(database_url, insert, *given.values())
        assert ask(database_url, f"SELECT count(*) FROM {table}") == [(2,)], table


async def test_rows_that_others_inserted_are_merged_into_and_never_in_the_way(database_url: str) -> None:
    ask(database_url, "INSERT INTO users (user_id, email, locale) VALUES (%s, 'theirs', 'theirs')", USER)
    ask(database_url, "INSERT INTO sessions (session_id, device_id) VALUES (%s, 'theirs')", SESSION)
    ask(database_url, "INSERT INTO session_replay_chunks (session_id, chunk_index) VALUES (%s, 0)", SESSION)
    sink = PostgresSink(as_writer(database_url), "hxi-pipeline", FoldPolicy())
    owner = await Owner.of(sink, REPLAY)
    ours = kept(1, user=user(email="ours"), facts=facts(device_id="ours"))
    assert (await owner.write(ours, kept_chunk(0, 9))).repeated_chunks == 0
    assert await sink.known_chunks({(SESSION, 0)}) == {(SESSION, 0)}
    await sink.close()
    assert ask(database_url, "SELECT email, locale, created_at FROM users") == [("ours", "theirs", moment(at(1)))]
    assert ask(database_url, "SELECT device_id, start_time, end_time FROM sessions") == [("ours", moment(at(1)), None)]
    assert ask(database_url, "SELECT count(*) FROM session_replay_chunks") == [(2,)]


RESULTS = ("rage_click_events", "heatmap_points", "journey_steps")
ROLLUP_COLUMNS = [
    *("window_start", "screen_name", "api_endpoint", "calls", "errors", "min_ms", "max_ms", "mean_ms"),
    *("p50_ms", "p95_ms", "p99_ms", "apdex"),
]


def test_latency_rollups_begin_with_the_contracts_columns_in_its_order(database_url: str) -> None:
    columns = [name for name, *_ in ask(database_url, COLUMNS, "latency_rollups")]
    assert columns[: len(ROLLUP_COLUMNS)] == ROLLUP_COLUMNS


async def test_copies_of_our_results_may_be_inserted_and_stay_as_they_are(original_url: str, database_url: str) -> None:
    sink = PostgresSink(as_writer(database_url), "hxi-pipeline", FoldPolicy())
    owner = await Owner.of(sink)
    await owner.write(*(kept(n / 10, x=1, y=1) for n in range(3)), kept(0, PAGE_VIEW, screen_name="/a"))
    copies = {}
    for table in RESULTS:
        columns = ", ".join(name for name, *_ in ask(original_url, COLUMNS, table) if name != "id")
        copy = f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table} LIMIT 1 RETURNING *"
        copies[table] = ask(database_url, copy) + ask(database_url, copy)
    await owner.write(kept(0.3, x=1, y=1), kept(1, PAGE_VIEW, screen_name="/b"), kept(-1, PAGE_VIEW, screen_name="/c"))
    await sink.close()
    for table, rows in copies.items():
        assert len(rows) == 2
        assert set(rows) < set(ask(database_url, f"SELECT * FROM {table}")), table
    assert ask(database_url, "SELECT click_count FROM rage_click_events ORDER BY id") == [(4,), (3,), (3,)]
    assert ask(database_url, "SELECT weight FROM heatmap_points ORDER BY id") == [(4,), (3,), (3,)]
    steps = ask(database_url, "SELECT step_number, screen_name FROM journey_steps WHERE derived ORDER BY 1")
    assert steps == [(1, "/c"), (2, "/a"), (3, "/b")]


async def test_sessions_that_others_inserted_never_go_quiet(database_url: str) -> None:
    ask(database_url, "INSERT INTO sessions DEFAULT VALUES")
    sink = PostgresSink(as_writer(database_url), "hxi-pipeline", FoldPolicy())
    await (await Owner.of(sink)).write(arrival_us=at(1e6))
    assert await sink.end_quiet_sessions(1, TOPICS) == 0
    await sink.close()


def test_many_migrate_at_once_and_each_migration_is_applied_by_one(empty_url: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(migrate, [empty_url] * 8))
    assert sorted(name for result in results for name in result.applied) == MIGRATIONS
    assert {result.known for result in results} == {len(MIGRATIONS)}
    check_schema(empty_url)


def test_migrating_waits_while_another_is_at_it(empty_url: str) -> None:
    with ThreadPoolExecutor(1) as threads, psycopg.connect(empty_url) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        waiting = threads.submit(migrate, empty_url)
        deadline = time.monotonic() + 30
        while ask(empty_url, WAITING) == [(0,)]:
            assert time.monotonic() < deadline, "nobody waits for the lock"
        assert ask(empty_url, "SELECT to_regclass('users')") == [(None,)]
        other.close()
        assert waiting.result(timeout=30).applied == tuple(MIGRATIONS)


def test_migrating_again_changes_nothing_even_where_a_schema_has_the_roles_name(empty_url: str) -> None:
    ((role,),) = ask(empty_url, "SELECT current_user")
    applied = [migrate(empty_url).applied]
    ask(empty_url, f"CREATE SCHEMA {role}")
    applied += [migrate(empty_url).applied for _ in range(2)]
    assert applied == [tuple(MIGRATIONS), (), ()]
    assert ask(empty_url, "SELECT tablename FROM pg_tables WHERE schemaname = %s", role) == []


def test_an_empty_database_is_told_to_migrate(empty_url: str) -> None:
    with pytest.raises(SchemaMismatch, match=rf"lacks {len(MIGRATIONS)} of {len(MIGRATIONS)} .*run: hxi migrate"):
        check_schema(empty_url)


def test_a_database_behind_is_told_what_it_lacks_and_brought_up(database_url: str) -> None:
    ask(database_url, "DELETE FROM _yoyo_migration WHERE migration_id = %s", MIGRATIONS[-1])
    with pytest.raises(SchemaMismatch, match=MIGRATIONS[-1]):
        check_schema(database_url)


@pytest.mark.parametrize("does", [check_schema, migrate])
def test_a_database_newer_than_the_program_is_left_alone(database_url: str, does: Any) -> None:
    ask(database_url, "UPDATE _yoyo_migration SET migration_id = '9999.future' WHERE migration_id = %s", MIGRATIONS[0])
    with pytest.raises(SchemaMismatch, match=r"newer than this program.*9999\.future"):
        does(database_url)
    assert ("9999.future",) in ask(database_url, "SELECT migration_id FROM _yoyo_migration")


@pytest.mark.parametrize("does", [check_schema, migrate])
def test_a_database_that_is_not_there_is_said_to_be_away(postgres: Postgres, does: Any) -> None:
    with pytest.raises(Unavailable, match="nowhere"):
        does(postgres.address.replace("hxi_dashboard", "nowhere"))


def test_a_migration_and_the_note_that_it_was_applied_are_one_transaction(empty_url: str) -> None:
    ask(empty_url, "CREATE SCHEMA hxi_state")
    with pytest.raises(SchemaMismatch, match="already exists"):
        migrate(empty_url)
    ask(empty_url, "DROP SCHEMA hxi_state")
    ask(empty_url, "ALTER TABLE _yoyo_migration ADD CHECK (migration_id NOT LIKE '0002%')")
    with pytest.raises(SchemaMismatch, match="check constraint"):
        migrate(empty_url)
    ask(empty_url, "ALTER TABLE _yoyo_migration DROP CONSTRAINT _yoyo_migration_migration_id_check")
    assert migrate(empty_url).applied == tuple(MIGRATIONS[1:])
    check_schema(empty_url)


def test_tables_of_the_same_names_that_were_there_before_are_left_as_they_were(original_url: str) -> None:
    ask(original_url, "INSERT INTO sessions (session_id) VALUES (%s)", SESSION)
    before = [ask(original_url, COLUMNS, table) for table in TABLES]
    with pytest.raises(SchemaMismatch, match="already exists"):
        migrate(original_url)
    assert [ask(original_url, COLUMNS, table) for table in TABLES] == before
    assert ask(original_url, "SELECT session_id FROM sessions") == [(SESSION,)]


async def test_ids_that_others_inserted_by_hand_are_skipped(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO events (event_id, event_type) SELECT n, 'import' FROM generate_series(1, 5000) AS n"
        )
    sink = PostgresSink(as_writer(database_url), "hxi-pipeline", FoldPolicy())
    owner = await Owner.of(sink)
    with pytest.raises(Unavailable):
        await owner.write(kept(0), kept(1))
    await (await Owner.of(sink)).write(kept(0), kept(1))
    await sink.close()
    assert ask(database_url, "SELECT event_id FROM events WHERE session_id IS NOT NULL ORDER BY 1") == [
        (5001,),
        (5002,),
    ]


@pytest.mark.parametrize("table", RESULTS)
async def test_ids_of_results_that_others_inserted_by_hand_are_skipped(database_url: str, table: str) -> None:
    ask(database_url, f"INSERT INTO {table} (id) SELECT generate_series(1, 5000)")
    sink = PostgresSink(as_writer(database_url), "hxi-pipeline", FoldPolicy())
    events = [kept(0), kept(0.1), kept(0.2), kept(0.3, PAGE_VIEW, screen_name="/a")]
    with pytest.raises(Unavailable):
        await (await Owner.of(sink)).write(*events)
    await (await Owner.of(sink)).write(*events)
    await sink.close()
    assert ask(database_url, f"SELECT id FROM {table} WHERE session_id IS NOT NULL") == [(5001,)]


@pytest.mark.parametrize("table", ["emotion_predictions", "experience_scores"])
async def test_ids_of_judgements_that_others_inserted_by_hand_are_skipped(database_url: str, table: str) -> None:
    ask(database_url, f"INSERT INTO {table} (id) SELECT generate_series(1, 5000)")
    sink = PostgresSink(as_writer(database_url), "hxi-pipeline", FoldPolicy())
    await (await Owner.of(sink)).write(*busy(0, 60), kept(60, SESSION_END))
    with pytest.raises(Unavailable):
        await sink.judge(1)
    assert await sink.judge(1) == 1
    await sink.close()
    ids = ask(database_url, f"SELECT min(id) FROM {table} WHERE session_id IS NOT NULL")
    assert ids == [(5001,)]


def test_all_that_was_there_before_emotions_is_judged_from_its_very_start(empty_url: str) -> None:
    *before, emotions = sorted(migrations_folder().glob("*.sql"))[:6]
    for file in before:
        ask_outside(empty_url, file.read_text("utf-8"))
    with_events, marked, neither = (numbered(n) for n in range(3))
    for session_id in (with_events, marked, neither):
        ask(empty_url, "INSERT INTO sessions (session_id) VALUES (%s)", session_id)
    ask(empty_url, "INSERT INTO hxi_state.unjudged VALUES (%s)", marked)
    for _ in range(2):
        ask(empty_url, "INSERT INTO events (session_id) VALUES (%s)", with_events)
    ask_outside(empty_url, emotions.read_text("utf-8"))
    start = datetime(2000, 1, 1)  # noqa: DTZ001 - naive UTC, as rows hold it
    marks = ask(empty_url, "SELECT session_id, changed_from FROM hxi_state.unjudged ORDER BY 1")
    assert marks == [(with_events, start), (marked, start)]


@pytest.mark.parametrize("time", ["infinity", "-infinity", "20000-01-01", "0044-03-15 BC", None])
async def test_events_that_others_insert_at_times_beyond_all_clients_stop_nothing(
    database_url: str, time: str | None
) -> None:
    sink = PostgresSink(as_writer(database_url), "hxi-pipeline", FoldPolicy())
    owner = await Owner.of(sink)
    await owner.write(kept(0, PAGE_VIEW, screen_name="/a", event_uuid=numbered(1)))
    for kind in ("click", "page_view", "error"):
        ask(
            database_url,
            "INSERT INTO events (session_id, event_type, screen_name, timestamp) VALUES (%s, %s, '/x', %s)",
            *(SESSION, kind, time),
        )
    history = (await sink.histories([SESSION], 60))[SESSION]
    assert history.ids == ((at(0), numbered(1)),)
    await owner.write(*(kept(n, kind, screen_name="/b") for n, kind in enumerate(["click", PAGE_VIEW, SESSION_END])))
    assert await sink.judge(10) == 1
    await sink.close()
    assert ask(database_url, "SELECT step_number, screen_name FROM journey_steps ORDER BY 1") == [(1, "/a"), (2, "/b")]
    assert ask(database_url, "SELECT score FROM experience_scores") == [(100,)]


def test_the_inventory_is_what_the_migrations_make(database_url: str) -> None:
    made = {(name, column) for name, column in ask(database_url, query("present")) if "yoyo" not in name}
    assert inventory() <= made
    rest = made - inventory()
    assert {name for name, _ in rest if not (name.startswith("analytics.") and name.endswith("()"))} == set()


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("DROP TABLE hxi_state.unjudged", "lacks table hxi_state.unjudged:"),
        ("ALTER TABLE users DROP COLUMN email_at", "lacks column users.email_at:"),
        ("ALTER TABLE sessions RENAME swept TO was_swept", "lacks column sessions.swept:"),
        ("DROP SEQUENCE error_logs_id_seq CASCADE", "lacks error_logs_id_seq:"),
        ("DROP FUNCTION hxi_state.hold_events", "lacks hxi_state.hold_events():"),
        (
            "DROP TABLE users, sessions, events, error_logs CASCADE",
            "lacks table users, table sessions, table events and ",
        ),
    ],
)
def test_what_is_gone_although_every_migration_is_recorded_is_named(
    database_url: str, statement: str, named: str
) -> None:
    ask(database_url, statement)
    with pytest.raises(SchemaMismatch) as refusal:
        check_schema(database_url)
    assert named in str(refusal.value)
