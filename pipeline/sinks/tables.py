"""Writes the rows of a flush: binary COPY, then the merges of what grows.

Binary COPY wraps integers that do not fit: everything here has been range-checked by
``schema.fields``.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import psycopg

from pipeline.sinks.contract import Written
from schema.rows import (
    ChunkRow,
    ErrorRow,
    EventRow,
    LatencyRow,
    Rows,
    SessionRow,
    UserRow,
)
from schema.sql import query

_TYPES = {
    "session_id": "uuid",
    "user_id": "uuid",
    "event_uuid": "uuid",
    "x": "int4",
    "y": "int4",
    "scroll_position": "int4",
    "viewport_width": "int4",
    "viewport_height": "int4",
    "latency_ms": "int4",
    "status_code": "int4",
    "chunk_index": "int4",
    "source_offset": "int8",
    "ended": "bool",
    "metadata": "jsonb",
    "chunk_data": "jsonb",
    "timestamp": "timestamp",
    "client_time": "timestamp",
    "first_seen": "timestamp",
    "first_event": "timestamp",
    "last_event": "timestamp",
    "first_chunk": "timestamp",
    "last_chunk": "timestamp",
    "last_arrival": "timestamp",
    "recorded_at": "timestamp",
    "occurred_at": "timestamp",
}


def _type_of(column: str) -> str:
    return _TYPES.get(column) or ("timestamp" if column.endswith("_at") else "text")


class _Target(NamedTuple):
    """A table that COPY fills, its statement and its column types."""

    table: str
    statement: bytes
    types: list[str]


def _target(table: str, columns: Sequence[str]) -> _Target:
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    return _Target(table, statement.encode(), [_type_of(column) for column in columns])


_EVENTS = _target("events", EventRow._fields)
_LATENCY_METRICS = _target("latency_metrics", LatencyRow._fields)
_ERROR_LOGS = _target("error_logs", ErrorRow._fields)
_NEW_USERS = _target("new_users", UserRow._fields)
_NEW_SESSIONS = _target("new_sessions", SessionRow._fields)
_NEW_CHUNKS = _target("new_session_replay_chunks", ChunkRow._fields)


async def write_rows(cursor: psycopg.AsyncCursor[Any], rows: Rows) -> Written:
    """Write ``rows`` within the transaction under way, references before what refers to them."""
    await _merge(cursor, _NEW_USERS, rows.users, "merge_users")
    await _merge(cursor, _NEW_SESSIONS, rows.sessions, "merge_sessions")
    await _copy(cursor, _EVENTS, rows.events)
    await _copy(cursor, _LATENCY_METRICS, rows.latency_metrics)
    await _copy(cursor, _ERROR_LOGS, rows.error_logs)
    chunks = await _merge(cursor, _NEW_CHUNKS, rows.session_replay_chunks, "merge_chunks")
    return Written.of(rows, chunks)


async def _merge(
    cursor: psycopg.AsyncCursor[Any],
    staging: _Target,
    rows: Sequence[tuple[Any, ...]],
    statement: str,
) -> int:
    """Stage ``rows`` and merge them; return how many rows of the table that touched."""
    if not rows:
        return 0
    await _copy(cursor, staging, rows)
    await cursor.execute(query(statement))
    return cursor.rowcount


async def _copy(cursor: psycopg.AsyncCursor[Any], target: _Target, rows: Sequence[tuple[Any, ...]]) -> None:
    if not rows:
        return
    async with cursor.copy(target.statement) as copy:
        copy.set_types(target.types)
        for row in rows:
            await copy.write_row(row)
