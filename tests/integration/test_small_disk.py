"""The tests' small disk is full when it says so, and what a PostgreSQL on it then does."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import psycopg
import pytest

from agents.embedded import EmbeddedServerError, Postgres
from tests.servers.small_disk import NoSmallDisk, SmallDisk

MEGABYTES: Final = 300  # a new PostgreSQL takes 48
GROW: Final = "INSERT INTO rows SELECT repeat('x', 1000) FROM generate_series(1, 100)"
COUNT: Final = "SELECT count(*) FROM rows"
LOG: Final = "SELECT pg_logical_emit_message(true, 'test', repeat('x', 1000000))"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A small disk with room for a database."""
    with ExitStack() as mounted:
        try:
            disk = mounted.enter_context(SmallDisk(tmp_path / "disk", MEGABYTES))
        except NoSmallDisk as reason:
            pytest.skip(f"no small disk: {reason}")
        yield disk


@pytest.fixture
def server(disk: SmallDisk) -> Iterator[Postgres]:
    """A PostgreSQL on the small disk, with a table that holds 100 rows."""
    with Postgres.start(disk.directory) as running:
        with psycopg.connect(running.address) as connection:
            connection.execute("CREATE TABLE rows (text text)")
            connection.execute(GROW)
        yield running


def rows(server: Postgres) -> int:
    """Return how many rows the table holds."""
    with psycopg.connect(server.address) as connection:
        found = connection.execute(COUNT).fetchone()
    assert found is not None
    return int(found[0])


def repeat_until_it_fails(server: Postgres, statement: str, seconds: float = 20.0) -> tuple[int, psycopg.Error]:
    """Execute a statement in a transaction each; return how many were committed, and how the first one failed."""
    deadline, committed = time.monotonic() + seconds, 0
    with psycopg.connect(server.address, autocommit=True) as connection:
        while time.monotonic() < deadline:
            try:
                connection.execute(statement.encode())
            except psycopg.Error as error:
                return committed, error
            committed += 1
    raise AssertionError(f"{committed} times and no failure within {seconds:.0f} s")


def has_ended(server: Postgres, seconds: float = 20.0) -> bool:
    """Poll until nobody listens on the server's port; tell whether that came in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            psycopg.connect(server.address).close()
        except psycopg.OperationalError as error:
            if "refused" in str(error):  # while it recovers it listens, and says so
                return True
        time.sleep(0.05)
    return False


def test_a_filled_disk_has_no_room_and_a_freed_one_has_all_of_it(disk: SmallDisk) -> None:
    assert os.path.ismount(disk.directory)
    assert disk.fill() == MEGABYTES << 20
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        (disk.directory / "one more").write_bytes(b"x")
    assert disk.fill() == 0
    disk.free()
    disk.free()
    assert disk.fill() == MEGABYTES << 20


@pytest.mark.usefixtures("disk")
def test_a_disk_in_use_is_gone_from_its_directory_all_the_same(tmp_path: Path) -> None:
    other = tmp_path / "other"
    with ExitStack() as open_files:
        with SmallDisk(other, 1):
            file = open_files.enter_context((other / "in use").open("wb"))
        assert not os.path.ismount(other)
        assert list(other.iterdir()) == []
        file.write(b"x")


@pytest.mark.parametrize(
    ("mount", "reason"),
    [(None, "mount does not run"), ("echo mount: permission denied >&2; exit 32", "^mount: permission denied$")],
)
def test_where_nothing_can_be_mounted_the_reason_is_said(
    mount: str | None, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if mount is not None:
        (tmp_path / "mount").write_text(f"#!/bin/sh\n{mount}\n")
        (tmp_path / "mount").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoSmallDisk, match=reason), SmallDisk(tmp_path / "disk", 1):
        pass


def test_a_database_on_a_full_disk_refuses_rows_and_takes_them_when_there_is_room(
    disk: SmallDisk, server: Postgres
) -> None:
    assert disk.fill() > 100 << 20
    inserts, failure = repeat_until_it_fails(server, GROW)
    assert failure.sqlstate == "53100"
    assert rows(server) == 100 * (1 + inserts)  # it runs and answers
    disk.free()
    with psycopg.connect(server.address) as connection:
        connection.execute(GROW)
    assert rows(server) == 100 * (2 + inserts)


def test_a_database_without_room_for_its_log_ends_and_starts_again_only_when_there_is_some(
    disk: SmallDisk, server: Postgres
) -> None:
    disk.fill()
    repeat_until_it_fails(server, LOG)
    assert has_ended(server)
    with pytest.raises(EmbeddedServerError, match="No space left on device"):
        server.restart()
    disk.free()
    server.restart()
    assert rows(server) == 100
