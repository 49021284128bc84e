"""Writes the rows of a flush: binary COPY, then the merges of what grows.

Binary COPY wraps integers that do not fit: everything here has been range-checked by
``schema.fields``.
"""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from pipeline.fold import without_results
from pipeline.sinks.contract import Unavailable, Written, nothing
from pipeline.sinks.user_agents import as_columns
from schema.rows import (
    BurstRow,
    ChunkRow,
    ErrorRow,
    EventRow,
    HeatmapRow,
    JourneyRow,
    LatencyRow,
    LatencyWindowRow,
    RageClickRow,
    Rows,
    SessionRow,
    SessionUserRow,
    UserAgentRow,
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
    "events": "int8",
    "actions": "int8",
    "chunks": "int8",
    "chunk_bytes": "int8",
    "click_count": "int4",
    "run_ordinal": "int4",
    "step_number": "int4",
    "point_key": "bytea",
    "weight": "int8",
    "sum_x": "int8",
    "sum_y": "int8",
    "calls": "int8",
    "errors": "int8",
    "min_ms": "int4",
    "max_ms": "int4",
    "sum_ms": "int8",
    "satisfied": "int8",
    "tolerating": "int8",
    "bins": "int4[]",
    "bin_calls": "int8[]",
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
    "first_click_time": "timestamp",
    "last_click_time": "timestamp",
    "first_time": "timestamp",
    "last_time": "timestamp",
    "event_time": "timestamp",
    "window_start": "timestamp",
}


def types_of(columns: Iterable[str]) -> list[str]:
    """Return the types of COPY for ``columns``, of whichever table."""
    return [_TYPES.get(column) or ("timestamp" if column.endswith("_at") else "text") for column in columns]


class _Target(NamedTuple):
    """A table that COPY fills, its statement and its column types."""

    table: str
    statement: bytes
    types: list[str]


def _target(table: str, columns: Sequence[str]) -> _Target:
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    return _Target(table, statement.encode(), types_of(columns))


_EVENTS = _target("events", EventRow._fields)
_LATENCY_METRICS = _target("latency_metrics", LatencyRow._fields)
_ERROR_LOGS = _target("error_logs", ErrorRow._fields)
_NEW_USERS = _target("new_users", UserRow._fields)
_NEW_SESSIONS = _target("new_sessions", SessionRow._fields)
_NEW_SESSION_USERS = _target("new_session_users", SessionUserRow._fields)
_NEW_CHUNKS = _target("new_session_replay_chunks", ChunkRow._fields)
_NEW_BURSTS = _target("new_rage_click_bursts", BurstRow._fields)
_NEW_RAGE_CLICKS = _target("new_rage_click_events", RageClickRow._fields)
_NEW_HEATMAP_POINTS = _target("new_heatmap_points", HeatmapRow._fields)
_NEW_JOURNEY_STEPS = _target("new_journey_steps", JourneyRow._fields)
_NEW_LATENCY_WINDOWS = _target("new_latency_windows", LatencyWindowRow._fields)


class _Merged(NamedTuple):
    """Of the sessions merged, those that were not there before, and those whose results are final."""

    new: set[UUID]
    final: set[UUID]


async def write_rows(
    cursor: psycopg.AsyncCursor[Any],
    rows: Rows,
    sessions_read: Callable[[], AbstractSet[UUID]] = frozenset,
    meanwhile: Callable[[], None] = nothing,
) -> Written:
    """Write ``rows`` within the transaction under way, references before what refers to them.

    Some of them follow from what was read of sessions in the tables: those have to be there still.
    The events take the database longest: ``meanwhile`` is called when they are on their way. It may still put into
    ``rows`` what rage clicks and journeys follow from them.
    User agents and latency windows come last: all writers share those, and hold them until they commit.
    """
    await _merge(cursor, _NEW_USERS, rows.users, "merge_users")
    final: set[UUID] = set()
    if rows.sessions:
        merged = await _merge_sessions(cursor, rows)
        if merged.new and merged.new & sessions_read():
            raise Unavailable("a session was removed while what was read of it should have been written")
        final = merged.final
        await cursor.execute(query("mark_unjudged"))
    await _copy(cursor, _EVENTS, rows.events, meanwhile)
    await _copy(cursor, _LATENCY_METRICS, rows.latency_metrics)
    await _copy(cursor, _ERROR_LOGS, rows.error_logs)
    chunks = await _merge(cursor, _NEW_CHUNKS, rows.session_replay_chunks, "merge_chunks")
    rows = without_results(rows, final)
    await _copy(cursor, _NEW_RAGE_CLICKS, rows.rage_click_events)
    await _merge(cursor, _NEW_BURSTS, rows.rage_click_bursts, "clear_rage_clicks")
    rage_clicks = 0
    if rows.rage_click_events:
        await cursor.execute(query("merge_rage_clicks"))
        ((rage_clicks,),) = await cursor.fetchall()
    await _merge(cursor, _NEW_HEATMAP_POINTS, rows.heatmap_points, "merge_heatmap_points")
    await _merge(cursor, _NEW_JOURNEY_STEPS, rows.journey_steps, "merge_journey_steps")
    await _merge_user_agents(cursor, rows.user_agents)
    await _merge(cursor, _NEW_LATENCY_WINDOWS, rows.latency_windows, "merge_latency_windows")
    return Written.of(rows, chunks, rage_clicks)


async def _merge_sessions(cursor: psycopg.AsyncCursor[Any], rows: Rows) -> _Merged:
    await _copy(cursor, _NEW_SESSIONS, rows.sessions)
    if rows.users:
        await _copy(cursor, _NEW_SESSION_USERS, rows.session_users)
        await cursor.execute(query("merge_session_users"))
    await cursor.execute(query("merge_sessions"))
    found = await cursor.fetchall()
    return _Merged({key for key, is_new, _ in found if is_new}, {key for key, _, is_final in found if is_final})


async def _merge_user_agents(cursor: psycopg.AsyncCursor[Any], rows: Sequence[UserAgentRow]) -> None:
    if rows:
        await cursor.execute(query("merge_user_agents"), as_columns(rows))


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


async def _copy(
    cursor: psycopg.AsyncCursor[Any],
    target: _Target,
    rows: Sequence[tuple[Any, ...]],
    meanwhile: Callable[[], None] = nothing,
) -> None:
    if not rows:
        return
    async with cursor.copy(target.statement) as copy:
        copy.set_types(target.types)
        for row in rows:
            await copy.write_row(row)
        meanwhile()
