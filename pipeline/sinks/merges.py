"""How rows that grow merge: what ``schema/sql/queries/merge_*.sql`` do, in Python.

The in-memory sink stores by these rules; the contract suite holds both to one outcome.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pipeline.moments import microseconds
from schema.rows import SessionRow, SessionUserRow, UserRow

Row = dict[str, Any]
"""A row of a table that grows, by column."""

_USER_FACTS = ("email", "device_type", "locale")
_SESSION_FACTS = ("user_id", "device_id", "ip_address", "user_agent", "screen_resolution", "app_version")


def merged_user(old: Row | None, row: UserRow) -> Row:
    """Return the user's row after ``row``; ``old`` is the one before, None where there was none."""
    new = row._asdict()
    new["created_at"] = new.pop("first_seen")
    if old is None:
        return new
    return old | {"created_at": min(old["created_at"], new["created_at"])} | _winners(_USER_FACTS, old, new)


def merged_session(old: Row | None, row: SessionRow) -> Row:
    """Return the session's row after ``row``, as :func:`merged_user` does."""
    new = _session(row)
    if old is not None:
        bounds = {name: _latest(old[name], new[name]) for name in _LATEST}
        ended = {"start_time": _start(old, new), "ended_by_event": old["ended_by_event"] or new["ended_by_event"]}
        counts = {name: old[name] + new[name] for name in _COUNTS}
        new = old | bounds | ended | counts | _winners(_SESSION_FACTS, old, new)
    return new | (ending(new) if new["ended_by_event"] else {"end_time": None, "duration_ms": None})


def several_named(old: Row | None, row: SessionRow) -> set[SessionUserRow]:
    """Return the people named in a session before and by ``row``, where that is not one and the same."""
    if old is None or old["user_id"] is None or row.user_id in (None, old["user_id"]):
        return set()
    return {SessionUserRow(row.session_id, user_id) for user_id in (old["user_id"], row.user_id)}


def ending(session: Row) -> Row:
    """Return the columns of a session that has ended: at its last event, or its last chunk."""
    end = session["last_event_time"] or session["last_chunk_time"]
    return {"end_time": end, "duration_ms": _duration_ms(session["start_time"], end)}


_COUNTS = ("event_count", "action_count", "chunk_count", "chunk_bytes")
_LATEST = ("last_event_time", "last_chunk_time", "last_record_at")


def _session(row: SessionRow) -> Row:
    facts = {name: value for name, value in row._asdict().items() if name.removesuffix("_at") in _SESSION_FACTS}
    return facts | {
        "session_id": row.session_id,
        "start_time": row.first_event or row.first_chunk,
        "last_event_time": row.last_event,
        "last_chunk_time": row.last_chunk,
        "last_record_at": row.last_arrival,
        "ended_by_event": row.ended,
        "event_count": row.events,
        "action_count": row.actions,
        "chunk_count": row.chunks,
        "chunk_bytes": row.chunk_bytes,
    }


def _start(old: Row, new: Row) -> datetime:
    """Return the earliest event; replay chunks count only until the first event."""
    with_events = [row for row in (old, new) if row["last_event_time"] is not None]
    starts: list[datetime] = [row["start_time"] for row in with_events or (old, new)]
    return min(starts)


def _winners(names: Iterable[str], old: Row, new: Row) -> Row:
    """Return the facts that change: the later one stands, at equal times the greater text."""
    said = [name for name in names if new[name] is not None]
    won = [name for name in said if old[name] is None or _rank(old, name) < _rank(new, name)]
    return {column: new[column] for name in won for column in (name, f"{name}_at")}


def _rank(row: Row, name: str) -> tuple[datetime, str]:
    return row[f"{name}_at"], str(row[name])


def _latest(*times: datetime | None) -> datetime | None:
    return max((time for time in times if time is not None), default=None)


def _duration_ms(start: datetime, end: datetime) -> int:
    """Round half up, as PostgreSQL does where a numeric becomes a bigint."""
    return (microseconds(end) - microseconds(start) + 500) // 1000
