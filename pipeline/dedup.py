"""Decides which events are new: the same ``event_uuid`` twice in a session is one event.

Keeps, per session of one partition, the ids of recent events in tumbling windows as long as
the allowed lateness; what is older, only the tables know, and is asked of them. So the answer
is exact, and memory is bounded: sessions are forgotten once they have been silent for as long,
or when there are too many, least recently seen first, and learnt again from their own rows.
Windows go by the client's own clock, right or wrong: an event sent again says the same time
again, while the corrected one may move with the time of arrival.
"""

from bisect import insort
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

from pipeline.id_set import IdSet
from pipeline.limits import Limits
from pipeline.session_limits import SessionLimits, Tally
from pipeline.windows import window_start
from schema.fields import US_PER_S
from schema.rows import KeptEvent

SessionEvent = tuple[UUID, UUID]
"""A session's id and an event's id in it."""


@dataclass(frozen=True, slots=True)
class History:
    """What the tables know of a session: its newest event, recent ids by the client's time, and its tally.

    ``newest_us`` is by the corrected clock, ``newest_client_us`` by the client's; ``actions`` are clicks and views,
    ``has_device`` whether it named its device.
    """

    newest_us: int
    newest_client_us: int
    ids: tuple[tuple[int, UUID], ...] = ()
    events: int = 0
    actions: int = 0
    has_device: bool = False


@dataclass(slots=True)
class _Session:
    newest_us: int = -1
    newest_client_us: int = -(2**63)
    last_offset: int = -1
    last_arrival_us: int = 0
    tally: Tally = field(default_factory=Tally)
    windows: list[tuple[int, IdSet]] = field(default_factory=list)
    """The oldest first."""

    def size(self) -> int:
        return 1 + sum(len(ids) for _, ids in self.windows)


class Admitted(NamedTuple):
    """The new ones of some events, and how many of them are behind their session's newest by more than allowed.

    And those that are beyond the limits, with the reason.
    """

    new: list[KeptEvent]
    late: int
    refused: list[tuple[KeptEvent, str]]


SESSION_WEIGHT = 30
"""Ids that take as much memory as a session does beside its own."""


class SeenIds:
    """The ids that the sessions of one partition have shown, ``most_ids`` of them; a session counts as 30."""

    def __init__(self, allowed_lateness_s: float, most_ids: int, limits: Limits) -> None:
        self._limits = SessionLimits(limits)
        self._lateness_us = max(1, int(allowed_lateness_s * US_PER_S))
        self._most_ids = most_ids
        self._sessions: OrderedDict[UUID, _Session] = OrderedDict()
        self._unwritten: dict[SessionEvent, int] = {}
        self._written_to = 0
        self._newest_arrival_us = 0
        self._size = 0

    @property
    def history_s(self) -> float:
        """Return how far behind a session's newest event its history has to reach."""
        return 2 * self._lateness_us / US_PER_S

    def __len__(self) -> int:
        """Return how many ids and sessions are held."""
        return self._size

    def strangers(self, events: Iterable[KeptEvent]) -> set[UUID]:
        """Return the sessions of ``events`` whose history is needed before they are admitted.

        Lets go of what is in the tables first: nowhere between here and :meth:`admit`, where a
        caller waits for the tables' answer, which may be from before the flush.
        """
        self._let_go()
        sessions = self._sessions  # to subtract its keys from a set would walk over all of them
        return {event.session_id for event in events if event.session_id not in sessions}

    def learn(self, session_ids: Iterable[UUID], histories: Mapping[UUID, History]) -> None:
        """Take in what the tables know of sessions; one without a history is new."""
        for session_id in session_ids:
            session = self._sessions[session_id] = _Session()
            self._size += 1
            history = histories.get(session_id)
            if history is not None:
                session.newest_us = history.newest_us
                session.newest_client_us = history.newest_client_us
                session.tally = Tally(history.events, history.actions, history.has_device)
                oldest_us = self._oldest(session)
                for client_us, event_uuid in history.ids:
                    start = window_start(client_us, self._lateness_us)
                    if start >= oldest_us:
                        self._size += _window(session, start).add(event_uuid)

    def late(self, events: Iterable[KeptEvent]) -> set[SessionEvent]:
        """Return the ids among ``events`` that are too late for memory: ask the tables."""
        newest: dict[UUID, int] = {}
        late = set()
        sessions, lateness_us = self._sessions, self._lateness_us
        for event in events:
            session_id, client_us = event.session_id, event.client_us
            known = newest.get(session_id)
            if known is None:
                known = sessions[session_id].newest_client_us
            if client_us > known:
                newest[session_id] = client_us
            elif client_us < known - lateness_us and event.event_uuid is not None:
                late.add((session_id, event.event_uuid))
        return late

    def unwritten(self, ids: AbstractSet[SessionEvent]) -> set[SessionEvent]:
        """Return those of ``ids`` on their way into the tables: ask before asking the tables."""
        return {key for key in ids if key in self._unwritten}

    def admit(self, events: Sequence[KeptEvent], in_tables: AbstractSet[SessionEvent]) -> Admitted:
        """Return which of ``events`` are new and within the limits, and remember them.

        ``in_tables`` holds those of :meth:`late` that the tables have.
        """
        sessions, lateness_us = self._sessions, self._lateness_us
        first_offset = events[0].place.offset if events else 0
        new, late, refused = [], 0, []
        for event in events:
            session = sessions[event.session_id]
            refusal = self._limits.refusal(session.tally, event)
            if refusal is None:
                if event.event_uuid is not None and not self._is_first(session, event, event.event_uuid, in_tables):
                    continue
                session.tally.add(event)
                new.append(event)
                late += event.time_us < session.newest_us - lateness_us
                self._note_times(session, event)
            else:
                refused.append((event, refusal))
            arrival_us = event.arrival_us
            if arrival_us > session.last_arrival_us:
                session.last_arrival_us = arrival_us
                if arrival_us > self._newest_arrival_us:
                    self._newest_arrival_us = arrival_us
            if session.last_offset < first_offset:  # once for all of these events
                sessions.move_to_end(event.session_id)
            session.last_offset = event.place.offset
        return Admitted(new, late, refused)

    def _note_times(self, session: _Session, event: KeptEvent) -> None:
        if event.time_us > session.newest_us:
            session.newest_us = event.time_us
        if event.client_us > session.newest_client_us:
            session.newest_client_us = event.client_us
            self._drop_old_windows(event.session_id, session)

    def _is_first(
        self, session: _Session, event: KeptEvent, event_uuid: UUID, in_tables: AbstractSet[SessionEvent]
    ) -> bool:
        """Return whether the session has not shown this id before, and remember it."""
        start = window_start(event.client_us, self._lateness_us)
        is_recent = event.client_us >= session.newest_client_us - self._lateness_us
        own = None
        for known, ids in session.windows:
            if is_recent and known == start:
                own = ids
            elif event_uuid in ids:
                return False
        if is_recent:
            is_first = (_new_window(session, start) if own is None else own).add(event_uuid)
            self._size += is_first
            return is_first
        key = (event.session_id, event_uuid)
        if key in in_tables or key in self._unwritten:
            return False
        self._unwritten[key] = event.place.offset
        return True

    def flushed(self, next_offset: int) -> None:
        """Note that everything below ``next_offset`` is in the tables now."""
        self._written_to = next_offset

    def _let_go(self) -> None:
        written_to = self._written_to
        if self._unwritten:
            self._unwritten = {key: offset for key, offset in self._unwritten.items() if offset >= written_to}
        silent_since_us = self._newest_arrival_us - self._lateness_us
        while self._sessions:
            session_id, session = next(iter(self._sessions.items()))
            is_silent = session.last_arrival_us < silent_since_us
            weight = self._size + SESSION_WEIGHT * len(self._sessions)
            if session.last_offset >= written_to or not (is_silent or weight > self._most_ids):
                break
            self._size -= session.size()
            del self._sessions[session_id]

    def _drop_old_windows(self, session_id: UUID, session: _Session) -> None:
        """Forget windows wholly behind the bound; their ids count as unwritten until a flush.

        By the times alone, so that what is remembered is what would be learnt again.
        """
        oldest_us = self._oldest(session)
        while session.windows and session.windows[0][0] < oldest_us:
            _, ids = session.windows.pop(0)
            self._size -= len(ids)
            for event_uuid in ids.ids():
                self._unwritten[session_id, event_uuid] = session.last_offset

    def _oldest(self, session: _Session) -> int:
        """Return where the windows that are remembered begin."""
        return session.newest_client_us - 2 * self._lateness_us


def _window(session: _Session, start: int) -> IdSet:
    """Return the ids of the window that begins at ``start``; a new one where there is none."""
    for known, ids in session.windows:
        if known == start:
            return ids
    return _new_window(session, start)


def _new_window(session: _Session, start: int) -> IdSet:
    ids = IdSet()
    insort(session.windows, (start, ids), key=itemgetter(0))
    return ids
