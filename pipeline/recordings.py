"""Says of a session's replay chunks whether a player can play them, and if not, why.

The rules are rrweb's: an event has a type and a time; its ``Replayer`` needs two events, and builds a page from the
meta event, which has its size, and the full snapshot behind it, which has its nodes. What is no such event, a packed
one for instance, cannot be looked into. The view ``analytics.replays`` has the same rules and names them alike; it
tells the first fault only, and not of which chunks.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pipeline.replay_privacy import INCREMENTAL, SNAPSHOT

META = 4
"""``EventType``, too."""

LEAST_EVENTS = 2
"""Fewer, and rrweb refuses to play."""

LATEST_MS = 10**16
"""No clock is later."""

MOST_NAMED = 5
"""Chunks of one fault."""


class Fault(NamedTuple):
    """Why a recording cannot be played as it was, and the first chunks of which that is so."""

    reason: str
    chunks: tuple[int, ...] = ()

    def __str__(self) -> str:
        named = ", ".join(map(str, self.chunks[:MOST_NAMED]))
        more = " and more" if len(self.chunks) > MOST_NAMED else ""
        return f"{self.reason.replace('_', ' ')}{': ' if named else ''}{named}{more}"


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
    faults: tuple[Fault, ...]

    @property
    def can_be_shown(self) -> bool:
        """Return whether a player shows anything of it, with whatever faults."""
        return self.has_snapshot and self.events >= LEAST_EVENTS


def events_of(chunk_data: Any) -> list[Any]:
    """Return what a chunk holds, in its order: a list of events, or one thing alone."""
    return chunk_data if isinstance(chunk_data, list) else [chunk_data]


def is_event(value: Any) -> bool:
    """Return whether a player can take ``value`` for an event."""
    if not isinstance(value, dict):
        return False
    kind: Any = value.get("type")
    time_ms: Any = value.get("timestamp")
    return _is_number(kind) and _is_number(time_ms) and 0 <= time_ms <= LATEST_MS and _can_be_drawn(kind, value)


def _can_be_drawn(kind: float, event: dict[str, Any]) -> bool:
    """Return whether a full snapshot has a page, and a meta event a size; a player fails on others."""
    if kind not in (SNAPSHOT, META):
        return True
    data = event.get("data")
    if not isinstance(data, dict):
        return False
    if kind == SNAPSHOT:
        return isinstance(data.get("node"), dict)
    return _is_number(data.get("width")) and _is_number(data.get("height"))


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def examine(chunks: Iterable[tuple[int | None, Any]], is_removed: bool = False) -> Recording:
    """Return what ``chunks``, as index and data in rising order of the index, come to.

    Into a chunk without an index nobody looks: it is one that is missing where it belongs.
    ``is_removed`` is whether retention has removed the session's replay: then they are what came later.
    """
    examination = _Examination(is_removed)
    for index, data in chunks:
        if index is None:
            examination.take_unnumbered()
        else:
            examination.take(index, data)
    return Recording(
        examination.chunks,
        examination.events,
        examination.start_ms,
        examination.end_ms,
        examination.has_snapshot,
        tuple(examination.faults()),
    )


@dataclass(slots=True)
class _Examination:
    """``missing`` and so on are indexes of chunks; what is seen ``in time`` comes before the first change."""

    is_removed: bool
    chunks: int = 0
    events: int = 0
    start_ms: float | None = None
    end_ms: float | None = None
    has_snapshot: bool = False
    is_misnumbered: bool = False
    last_index: int | None = None
    next_index: int = 0
    missing: list[int] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    packed: list[int] = field(default_factory=list)
    unreadable: list[int] = field(default_factory=list)
    out_of_order: list[int] = field(default_factory=list)
    has_changed: bool = False
    meta_in_time: bool = False
    snapshot_in_time: bool = False
    snapshot_after_meta: bool = False

    def take_unnumbered(self) -> None:
        self.chunks += 1
        self.is_misnumbered = True

    def take(self, index: int, data: Any) -> None:
        self.chunks += 1
        if index == self.last_index:
            _add(self.repeated, index)
        self.is_misnumbered |= index < 0
        self.last_index = index
        self.missing.extend(range(self.next_index, min(index, self.next_index + MOST_NAMED + 1)))
        self.next_index = max(self.next_index, index + 1)
        is_read = True
        for event in events_of(data):
            if is_event(event):
                self._take_event(index, event)
            elif is_read:
                is_read = False
                (self.packed if isinstance(event, str) else self.unreadable).append(index)

    def _take_event(self, index: int, event: dict[str, Any]) -> None:
        kind, time_ms = event["type"], event["timestamp"]
        self.events += 1
        if self.end_ms is not None and time_ms < self.end_ms:
            _add(self.out_of_order, index)
        self.start_ms = time_ms if self.start_ms is None else min(self.start_ms, time_ms)
        self.end_ms = time_ms if self.end_ms is None else max(self.end_ms, time_ms)
        if kind == INCREMENTAL:
            self.has_changed = True
        elif kind == META:
            self.meta_in_time |= not self.has_changed
        elif kind == SNAPSHOT:
            self.has_snapshot = True
            self.snapshot_in_time |= not self.has_changed
            self.snapshot_after_meta |= not self.has_changed and self.meta_in_time

    def faults(self) -> Iterator[Fault]:
        """Yield what is wrong, in the order in which ``analytics.replays`` looks for it."""
        if self.is_removed:
            yield Fault("removed")
        for reason, chunks, is_so in (
            ("repeated_chunk", self.repeated, False),
            ("missing_chunk", self.missing, self.is_misnumbered),
            ("packed", self.packed, False),
            ("unreadable", self.unreadable, False),
        ):
            if chunks or is_so:
                yield Fault(reason, tuple(chunks[: MOST_NAMED + 1]))
        if self.events < LEAST_EVENTS:
            yield Fault("too_few_events")
        if not self.snapshot_in_time:
            yield Fault("no_full_snapshot")
        elif not self.snapshot_after_meta:
            yield Fault("no_meta")
        if self.out_of_order:
            yield Fault("out_of_order", tuple(self.out_of_order[: MOST_NAMED + 1]))


def _add(indexes: list[int], index: int) -> None:
    if not indexes or indexes[-1] != index:
        indexes.append(index)
