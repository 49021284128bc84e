"""Recordings in a database: the recorded session as the pipeline stores it, and made-up chunks; and pages of them."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from uuid import UUID

import psycopg

from pipeline.decode import decode_chunk
from schema.json_text import dump
from schema.rows import KeptChunk
from tests.builders import POLICY, record
from tests.deployment import RECORDED_SESSION
from tests.servers.browser import OpenPage

RECORDED = UUID("8dda0c07-b950-47ec-a5ea-3d25746042bf")

FRAME = "#player iframe"
"""In which a page of ``hxi replay`` shows what was recorded."""


def recorded_chunks() -> Iterator[tuple[int, Any]]:
    """Yield index and data of the recorded session's chunks, masked as they are stored."""
    for line in RECORDED_SESSION.read_bytes().splitlines():
        if b'"chunk_index"' in line:
            kept = decode_chunk(record(line), POLICY)
            assert isinstance(kept, KeptChunk)
            yield kept.chunk_index, json.loads(kept.chunk_data)


def store(database_url: str, session_id: UUID, chunks: Iterable[tuple[int | None, Any]]) -> None:
    """Insert chunks of a session, as anybody may who owns the tables."""
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO sessions (session_id) VALUES (%s) ON CONFLICT DO NOTHING", [session_id])
        for index, data in chunks:
            connection.execute(
                "INSERT INTO session_replay_chunks (session_id, chunk_index, chunk_data) VALUES (%s, %s, %s)",
                [session_id, index, dump(data).decode()],
            )


async def until(opened: OpenPage, condition: str | Callable[[], bool]) -> None:
    """Ask until the expression, or function, holds. Playwright's own waiting evaluates texts, which pages forbid."""
    deadline = time.monotonic() + 20
    while not (await opened.page.evaluate(condition) if isinstance(condition, str) else condition()):
        assert time.monotonic() < deadline, condition
        await asyncio.sleep(0.02)


async def until_shown(opened: OpenPage, text: str) -> None:
    """Wait until the page that is replayed shows ``text``."""
    await until(
        opened, f"document.querySelector('{FRAME}').contentDocument.body?.innerText.includes({json.dumps(text)})"
    )
