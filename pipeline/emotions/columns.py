"""Sessions' events in order, one array per column: what features are worked out on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeAlias
from uuid import UUID

import numpy as np
import numpy.typing as npt

from pipeline.emotions.timeline import TimelineEvent
from schema import events as types

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

WINDOW_US: Final = 30_000_000

NAMELESS: Final = -1
"""Screen or element of an event that has none."""


class Kind(IntEnum):
    """Kinds of events that features tell apart; the first four are what a person does."""

    CLICK = 0
    MOVE = 1
    SCROLL = 2
    INPUT = 3
    VIEW = 4
    CALL = 5
    ERROR = 6
    OTHER = 7


_KINDS: Final = {
    types.CLICK: Kind.CLICK,
    types.MOUSE_MOVE: Kind.MOVE,
    types.SCROLL: Kind.SCROLL,
    types.INPUT: Kind.INPUT,
    types.PAGE_VIEW: Kind.VIEW,
    types.SCREEN_VIEW: Kind.VIEW,
    types.API_CALL: Kind.CALL,
    types.ERROR: Kind.ERROR,
}
_KIND_OF_TYPE: Final = np.array([*_KINDS.values(), Kind.OTHER], dtype=np.int64)

TYPES: Final = tuple(_KINDS)
"""Types of events that are told apart."""

PACKED: Final = np.dtype(
    [
        ("time_us", ">i8"),
        ("event_uuid", "S16"),
        ("event_type", ">i2"),
        ("screen", ">i8"),
        ("element", ">i8"),
        ("x", ">f8"),
        ("y", ">f8"),
        ("scroll_position", ">f8"),
        ("latency_ms", ">f8"),
        ("status_code", ">f8"),
        ("event_id", ">i8"),
    ]
)
"""An event as ``timelines.sql`` packs it, big-endian: its time since 2000, its type's place in :data:`TYPES` or
one beyond, screen and element as numbers that tell names apart, other numbers that it lacks as NaN."""

_2000_US: Final = 946_684_800_000_000


@dataclass(frozen=True, slots=True)
class Columns:
    """Events in order of session and event time, every array as long as there are events.

    Attributes:
        session_ids: The sessions; `session` is a place in it.
        session: Of each event.
        time_us: Event time.
        kind: One of :class:`Kind`.
        screen: Equal numbers are equal names; so in `element`, where most events are :data:`NAMELESS`.
        element: What was clicked or hovered.
        event_id: Of the row, -1 for API calls.
        x: In CSS pixels, NaN where the event has none; so in the four below.
        y: See `x`.
        scroll_position: Of scroll events.
        latency_ms: Of API calls.
        status_code: Of API calls.
        window: Number of the window from 0, in order; -1 in a window in which nobody acted.
        window_session: Session of each window.
        window_us: Start of each window.
    """

    session_ids: tuple[UUID, ...]
    session: Ints
    time_us: Ints
    kind: Ints
    screen: Ints
    element: Ints
    event_id: Ints
    x: Floats
    y: Floats
    scroll_position: Floats
    latency_ms: Floats
    status_code: Floats
    window: Ints
    window_session: Ints
    window_us: Ints

    @property
    def windows(self) -> int:
        """In how many windows somebody acted."""
        return len(self.window_us)

    @property
    def acts(self) -> Ints:
        """Places of all events but errors and API calls, which happen to a person."""
        return np.flatnonzero(_is_act(self.kind))

    @property
    def is_sample(self) -> Bools:
        """Which events say where the pointer is."""
        return np.asarray((self.kind == Kind.MOVE) & ~np.isnan(self.x) & ~np.isnan(self.y))

    def latest(self, is_such: Bools) -> Ints:
        """Return for each event the place of the last such event before it in its session, or -1."""
        places = np.where(is_such, np.arange(len(is_such)), -1)
        before = np.maximum.accumulate(np.append(-1, places[:-1]))
        return np.where((before >= 0) & (self.session[before] == self.session), before, -1)


def columns_of(events: Sequence[TimelineEvent]) -> Columns:
    """Return ``events``, in any order, as columns."""
    fields = list(zip(*events, strict=True)) if events else [()] * len(TimelineEvent._fields)
    named = dict(zip(TimelineEvent._fields, fields, strict=True))
    session_ids = list(dict.fromkeys(named["session_id"]))
    places = {session_id: place for place, session_id in enumerate(session_ids)}
    packed = np.zeros(len(events), PACKED)
    packed["time_us"] = np.array(named["time_us"], dtype=np.int64) - _2000_US
    packed["event_uuid"] = [b"" if key is None else key.bytes for key in named["event_uuid"]]
    packed["event_id"] = [-1 if number is None else number for number in named["event_id"]]
    places_of_types = {name: place for place, name in enumerate(TYPES)}
    packed["event_type"] = [places_of_types.get(name, len(TYPES)) for name in named["event_type"]]
    packed["screen"], packed["element"] = _ranks(named["screen_name"]), _ranks(named["element_id"])
    for name in ("x", "y", "scroll_position", "latency_ms", "status_code"):
        packed[name] = np.array(named[name], dtype=np.float64)
    return _columns(session_ids, _ints(places[key] for key in named["session_id"]), packed)


def unpacked(timelines: Mapping[UUID, bytes]) -> Columns:
    """Return the events of sessions, each the bytes of :data:`PACKED` one after another, in any order."""
    events = [np.frombuffer(timeline, PACKED) for timeline in timelines.values()]
    session = np.repeat(np.arange(len(events)), [len(each) for each in events])
    return _columns(list(timelines), session, np.concatenate(events) if events else np.zeros(0, PACKED))


def _columns(session_ids: Sequence[UUID], session: Ints, packed: npt.NDArray[np.void]) -> Columns:
    """Put events in order: by session, time, and for what is at one instant by its content."""
    order = _order(packed, session)
    session, packed = session[order], packed[order]
    time_us = packed["time_us"].astype(np.int64) + _2000_US
    start_us = time_us - time_us % WINDOW_US
    kind = _KIND_OF_TYPE[packed["event_type"]]
    first, window = _windows(session, start_us, _is_act(kind))
    return Columns(
        session_ids=tuple(session_ids),
        session=session,
        time_us=time_us,
        kind=kind,
        screen=packed["screen"].astype(np.int64),
        element=packed["element"].astype(np.int64),
        event_id=packed["event_id"].astype(np.int64),
        x=packed["x"].astype(np.float64),
        y=packed["y"].astype(np.float64),
        scroll_position=packed["scroll_position"].astype(np.float64),
        latency_ms=packed["latency_ms"].astype(np.float64),
        status_code=packed["status_code"].astype(np.float64),
        window=window,
        window_session=session[first],
        window_us=start_us[first],
    )


def _is_act(kind: Ints) -> Bools:
    return np.asarray((kind != Kind.CALL) & (kind != Kind.ERROR))


def _windows(session: Ints, start_us: Ints, is_act: Bools) -> tuple[Ints, Ints]:
    """Return the first event of each window in which somebody acted, and of each event the number of such a window."""
    is_new = np.ones(len(session), dtype=np.bool_)
    is_new[1:] = (session[1:] != session[:-1]) | (start_us[1:] != start_us[:-1])
    number = np.cumsum(is_new) - 1
    has_act = np.bincount(number[is_act], minlength=int(is_new.sum())) > 0
    return np.flatnonzero(is_new)[has_act], np.where(has_act, np.cumsum(has_act) - 1, -1)[number]


def _order(packed: npt.NDArray[np.void], session: Ints) -> Ints:
    """Sort by session and time, and what is at one instant by all else but the number of its row."""
    order = np.lexsort((packed["time_us"], session))
    session, time_us = session[order], packed["time_us"][order]
    is_same = (session[1:] == session[:-1]) & (time_us[1:] == time_us[:-1])
    tied = np.flatnonzero(np.append(is_same, False) | np.append(False, is_same))
    content = packed[order[tied]]
    keys = [content[name] for name in reversed(PACKED.names or ()) if name not in ("event_id", "time_us")]
    order[tied] = order[tied][np.lexsort((*keys, time_us[tied], session[tied]))]
    return order


def _ints(values: Iterable[int]) -> Ints:
    return np.fromiter(values, dtype=np.int64)


def _ranks(names: Sequence[str | None]) -> Ints:
    """Return the place of each name among all, from 0 in their order."""
    ranks: dict[str | None, int] = {name: rank for rank, name in enumerate(sorted(filter(None, set(names))))}
    return _ints(ranks.get(name, NAMELESS) for name in names)
