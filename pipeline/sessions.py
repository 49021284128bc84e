"""Decides what a flush says of sessions: their bounds, whether they ended, their facts.

A session runs from its earliest to its latest event; one that has only replay chunks so
far runs by theirs. It has ended when it says so, or has been quiet long enough, which
only the database's clock can tell. A later event moves the end.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from uuid import UUID

from pipeline.latest import Facts, dated, merge
from pipeline.moments import moment, moment_or_none
from pipeline.session_limits import ACTIONS
from schema.events import SESSION_END
from schema.rows import KeptChunk, KeptEvent, SessionFacts, SessionRow

_FACTS = SessionFacts._fields


@dataclass(slots=True)
class _Session:
    first_event_us: int | None = None
    last_event_us: int | None = None
    first_chunk_us: int | None = None
    last_chunk_us: int | None = None
    last_arrival_us: int = 0
    ended: bool = False
    events: int = 0
    actions: int = 0
    chunks: int = 0
    chunk_bytes: int = 0
    facts: Facts = field(default_factory=dict)


def session_rows(events: Iterable[KeptEvent], chunks: Iterable[KeptChunk]) -> list[SessionRow]:
    """Return a row per session touched, in the order in which writers lock them."""
    sessions: dict[UUID, _Session] = {}
    for event in events:
        session = sessions.get(event.session_id)
        if session is None:
            session = sessions[event.session_id] = _Session(event.time_us, event.time_us)
        _add_event(session, event)
    for chunk in chunks:
        _add_chunk(sessions.setdefault(chunk.session_id, _Session()), chunk)
    return [_row(session_id, sessions[session_id]) for session_id in sorted(sessions, key=_number)]


_number = attrgetter("int")
"""UUIDs stand in the order of their numbers, which are compared in C."""


def _add_event(session: _Session, event: KeptEvent) -> None:
    time_us = event.time_us
    session.events += 1
    session.actions += event.event_type in ACTIONS
    assert session.first_event_us is not None
    assert session.last_event_us is not None
    if time_us < session.first_event_us:
        session.first_event_us = time_us
    elif time_us > session.last_event_us:
        session.last_event_us = time_us
    if event.arrival_us > session.last_arrival_us:
        session.last_arrival_us = event.arrival_us
    if event.event_type == SESSION_END:
        session.ended = True
    if event.facts is not None:
        merge(session.facts, time_us, _FACTS, event.facts)
    if event.user is not None:
        merge(session.facts, time_us, ("user_id",), (event.user.user_id,))


def _add_chunk(session: _Session, chunk: KeptChunk) -> None:
    session.chunks += 1
    session.chunk_bytes += len(chunk.chunk_data)
    first, last = session.first_chunk_us, session.last_chunk_us
    session.first_chunk_us = chunk.time_us if first is None else min(first, chunk.time_us)
    session.last_chunk_us = chunk.time_us if last is None else max(last, chunk.time_us)
    session.last_arrival_us = max(session.last_arrival_us, chunk.arrival_us)


def _row(session_id: UUID, session: _Session) -> SessionRow:
    return SessionRow(
        session_id,
        moment_or_none(session.first_event_us),
        moment_or_none(session.last_event_us),
        moment_or_none(session.first_chunk_us),
        moment_or_none(session.last_chunk_us),
        moment(session.last_arrival_us),
        session.ended,
        session.events,
        session.actions,
        session.chunks,
        session.chunk_bytes,
        *dated(session.facts, ("user_id", *_FACTS)),
    )
