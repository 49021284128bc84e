"""Says of a session's replay chunks whether a player can play them, and if not, why.

The rules are rrweb's: an event has a type and a time; its ``Replayer`` needs two events, and builds a page from the
meta event, which has its size, and the full snapshot behind it. What is no such event, a packed one for instance,
cannot be looked into.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.replay_privacy import INCREMENTAL, SNAPSHOT

META = 4
"""``EventType``, too."""

LEAST_EVENTS = 2
"""Fewer, and rrweb refuses to play."""

MOST_NAMED = 5
"""Chunks of one kind of fault, in one text."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What is stored of a session; ``events`` and times are of those events that can be read.

    Times are the events' own, in milliseconds since 1970; None where there is none.
    """

    chunks: int
    events: int
    start_ms: float | None
    end_ms: float | None
    has_snapshot: bool
    faults: tuple[str, ...]

    @property
    def can_be_shown(self) -> bool:
        """Return whether a player shows anything of it, with whatever faults."""
        return self.has_snapshot and self.events >= LEAST_EVENTS


def events_of(chunk_data: Any) -> Iterator[Any]:
    """Yield what a chunk holds, in its order: a list of events, or one thing alone."""
    yield from chunk_data if isinstance(chunk_data, list) else [chunk_data]


def is_event(value: Any) -> bool:
    """Return whether a player can take ``value`` for an event."""
    return isinstance(value, dict) and all(type(value.get(name)) in (int, float) for name in ("type", "timestamp"))


def examine(chunks: Iterable[tuple[int, Any]]) -> Recording:
    """Return what ``chunks``, as index and data in rising order of the index, come to."""
    examination = _Examination()
    for index, data in chunks:
        examination.take(index, data)
    return examination.recording()


class _Examination:
    def __init__(self) -> None:
        self._next = 0
        self._chunks = 0
        self._events = 0
        self._start: float | None = None
        self._end: float | None = None
        self._newest = float("-inf")
        self._missing: list[int] = []
        self._repeated: list[int] = []
        self._unreadable: list[int] = []
        self._disordered: list[int] = []
        self._has_meta = False
        self._has_snapshot = False
        self._begins_well: bool | None = None

    def take(self, index: int, data: Any) -> None:
        self._chunks += 1
        if index < self._next:
            _add(self._repeated, index)
        self._missing.extend(range(self._next, min(index, self._next + MOST_NAMED + 1)))
        self._next = max(self._next, index + 1)
        for event in events_of(data):
            if is_event(event):
                self._take_event(index, event)
            else:
                _add(self._unreadable, index)

    def _take_event(self, index: int, event: dict[str, Any]) -> None:
        time_ms = event["timestamp"]
        self._events += 1
        self._start = time_ms if self._start is None else min(self._start, time_ms)
        self._end = time_ms if self._end is None else max(self._end, time_ms)
        if time_ms < self._newest:
            _add(self._disordered, index)
        self._newest = max(self._newest, time_ms)
        if event["type"] == META:
            self._has_meta = True
        elif event["type"] == SNAPSHOT:
            self._has_snapshot = True
            if self._begins_well is None:
                self._begins_well = self._has_meta
        elif event["type"] == INCREMENTAL and self._begins_well is None:
            self._begins_well = False

    def recording(self) -> Recording:
        return Recording(self._chunks, self._events, self._start, self._end, self._has_snapshot, tuple(self._faults()))

    def _faults(self) -> Iterator[str]:
        for indexes, fault in (
            (self._missing, "missing"),
            (self._repeated, "there more than once"),
            (self._unreadable, "packed, or no rrweb events"),
            (self._disordered, "out of order: events before earlier ones"),
        ):
            if indexes:
                yield f"{_named(indexes)} {fault}"
        if self._events < LEAST_EVENTS:
            yield "fewer than two events"
        if not self._has_snapshot:
            yield "no full snapshot"
        elif not self._begins_well:
            yield "no meta event and full snapshot before the first change"


def _add(indexes: list[int], index: int) -> None:
    if not indexes or indexes[-1] != index:
        indexes.append(index)


def _named(indexes: list[int]) -> str:
    shown = ", ".join(map(str, indexes[:MOST_NAMED]))
    return f"chunk{'s' if len(indexes) > 1 else ''} {shown}{' and more' if len(indexes) > MOST_NAMED else ''}"
