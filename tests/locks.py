"""Who waits for whom in PostgreSQL: tests hold a row, and see what others do meanwhile."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

PATIENCE_S = 20


def ask(url: str, question: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Run statements and return the rows of the last, if it has any."""
    with psycopg.connect(url) as connection:
        cursor = connection.execute(question.encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def holding(url: str, statement: str, *parameters: Any) -> Iterator[None]:
    """Hold what ``statement`` locks while the block runs."""
    with psycopg.connect(url, application_name="holder") as connection:
        connection.execute(statement.encode(), parameters or None)
        yield


async def until_waiting(url: str, statement: str, waiting: asyncio.Future[Any]) -> None:
    """Poll until somebody waits for a lock in a statement that has this in it; fail as soon as ``waiting`` is over."""
    asked = """
        SELECT 1 FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND datname = current_database() AND query LIKE %s
    """
    async with asyncio.timeout(PATIENCE_S):
        while not await asyncio.to_thread(ask, url, asked, f"%{statement}%"):
            if waiting.done():
                pytest.fail(f"nobody waited in {statement!r}, and it came to {waiting}")
