"""Rights are settled while others work: tables change their owner without a deadlock, or nothing changes."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from pipeline.sinks import rights
from pipeline.sinks.migrations import Migrated, SchemaMismatch, migrate
from tests.deployment import TABLES, wait_until

GIVEN_BACK = """
DO $$
DECLARE
    statement TEXT;
BEGIN
    FOR statement IN
        SELECT format('ALTER TABLE %s OWNER TO CURRENT_USER', oid::regclass) FROM pg_class
        WHERE relkind IN ('r', 'v') AND relowner = 'hxi_owner'::regrole
            AND relname <> 'ledger'  -- which is locked first even if there is nothing to do about it
    LOOP
        EXECUTE statement;
    END LOOP;
END
$$
"""
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database() AND application_name <> 'other'
"""
OF_OTHERS = "SELECT count(*) FROM pg_class WHERE relname IN ('users', 'sessions') AND relowner <> 'hxi_owner'::regrole"


def ask(url: str, question: str) -> Any:
    """Run a statement and return the one value that it gives, if it gives any."""
    with psycopg.connect(url) as connection:
        cursor = connection.execute(question.encode())
        return cursor.fetchall()[0][0] if cursor.description else None


@pytest.fixture
def url(database_url: str) -> str:
    """The URL of a migrated database whose tables belong to whoever migrated, as before there were roles."""
    ask(database_url, GIVEN_BACK)
    return database_url


@pytest.fixture
def other(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url, application_name="other") as connection:
        yield connection


@pytest.fixture
def migrating(url: str) -> Iterator[Callable[[], "Future[Migrated]"]]:
    """What begins to migrate and returns once that waits for somebody."""
    with ThreadPoolExecutor(1) as thread:

        def begin() -> "Future[Migrated]":
            future = thread.submit(migrate, url)
            wait_until(lambda: future.done() or ask(url, WAITING) > 0, "it waits")
            assert not future.done()
            return future

        yield begin


# flush:    |-locks the ledger------------writes, commits|
# migrate:        |-waits for the ledger, holds nothing--|-changes owners|
def test_a_flush_under_way_is_waited_for(
    url: str, other: psycopg.Connection[Any], migrating: Callable[[], "Future[Migrated]"]
) -> None:
    other.execute("LOCK TABLE hxi_state.ledger IN ROW SHARE MODE")
    future = migrating()
    for table in TABLES:
        other.execute(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE".encode())
    other.commit()
    assert future.result().left == ()
    assert ask(url, OF_OTHERS) == 0


# reader:   |-reads the steps------------------------waits for users-|-reads them|
# migrate:        |-holds users, waits for the steps--lets go--------|-again-----------|-changes owners|
def test_who_reads_two_tables_goes_on_while_we_let_go(
    url: str, other: psycopg.Connection[Any], migrating: Callable[[], "Future[Migrated]"]
) -> None:
    other.execute("SELECT FROM journey_steps, error_logs, heatmap_points")
    future = migrating()
    began = time.monotonic()
    other.execute("SELECT FROM users, sessions, events")
    assert time.monotonic() - began < 1, "nobody waits until PostgreSQL looks for deadlocks"
    other.commit()
    assert future.result().left == ()
    assert ask(url, OF_OTHERS) == 0


def test_who_never_lets_go_is_not_waited_for_and_what_is_to_be_done_is_said(
    url: str, other: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rights, "LOCK_TIMEOUT_MS", 10)
    other.execute("SELECT FROM users")
    with pytest.raises(SchemaMismatch, match=r"who may do what in it is not settled: .* run hxi migrate again"):
        migrate(url)
    assert ask(url, OF_OTHERS) == 2
