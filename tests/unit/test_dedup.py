"""The same event id twice in a session is one event: in memory, across the bound, and past forgetting."""

import pytest
from msgspec.structs import replace

from pipeline.dedup import SESSION_WEIGHT, History, SeenIds, SessionEvent
from pipeline.limits import Limits
from pipeline.session_limits import ACTIONS
from schema.rows import KeptEvent
from tests.builders import OTHER_SESSION, SESSION, facts, kept, numbered

LATENESS_S = 60


class Tables:
    """What a worker does around :class:`SeenIds`: asks the tables, admits, writes, flushes."""

    def __init__(self, most_ids: int = 500_000, limits: Limits | None = None) -> None:
        self.seen = SeenIds(LATENESS_S, most_ids, limits or Limits())
        self.written: list[KeptEvent] = []
        self.asked: list[SessionEvent] = []

    def take(self, *events: KeptEvent) -> list[bool]:
        """Return which of ``events`` are new."""
        strangers = self.seen.strangers(events)
        self.seen.learn(strangers, {key: history for key in strangers if (history := self.history(key))})
        late = self.seen.late(events)
        self.asked += sorted(late)
        in_tables = late and late & {(event.session_id, event.event_uuid) for event in self.written}
        new = [*map(id, self.seen.admit(events, in_tables).new)]
        return [id(event) in new for event in events]

    def flush(self, *events: KeptEvent) -> None:
        """Write ``events``, everything up to their last offset."""
        self.written += events
        self.seen.flushed(max(event.place.offset for event in events) + 1)

    def history(self, session_id: object) -> History | None:
        """Return what the tables know of a session."""
        rows = [event for event in self.written if event.session_id == session_id]
        if not rows:
            return None
        newest_us = max(event.client_us for event in rows)
        near = [event for event in rows if event.client_us >= newest_us - self.seen.history_s * 1_000_000]
        ids = tuple((event.client_us, event.event_uuid) for event in near if event.event_uuid)
        actions = sum(event.event_type in ACTIONS for event in rows)
        return History(
            max(event.time_us for event in rows), newest_us, ids, len(rows), actions, any(event.facts for event in rows)
        )


def identified(seconds: float, number: int, offset: int = 0) -> KeptEvent:
    """Return an event with an id of its own."""
    return kept(seconds, offset=offset, event_uuid=numbered(number))


def test_an_id_twice_in_a_session_is_one_event_whatever_else_differs() -> None:
    tables = Tables()
    assert tables.take(identified(0, 1), identified(5, 1), identified(0, 1)) == [True, False, False]
    assert tables.take(identified(0, 1, offset=9)) == [False]


def test_an_id_is_the_sessions_own_and_events_without_one_are_all_new() -> None:
    other = replace(identified(0, 1), session_id=OTHER_SESSION)
    assert Tables().take(identified(0, 1), other, kept(0), kept(0)) == [True] * 4


# The newest event is at 120; events behind 60 are late:
#   59.999999 | 60 ........ 120
@pytest.mark.parametrize(("seconds", "late"), [(59.999999, True), (60, False), (60.000001, False)])
def test_an_event_is_late_when_it_is_behind_the_newest_by_more_than_allowed(seconds: float, late: bool) -> None:
    tables = Tables()
    tables.take(kept(120))
    assert tables.seen.late([identified(seconds, 1)]) == ({(SESSION, numbered(1))} if late else set())
    assert tables.seen.admit([kept(seconds)], set()).late == late


@pytest.mark.parametrize(("named", "is_new"), [(True, True), (False, False)])
def test_a_session_whose_device_the_tables_know_has_begun(named: bool, is_new: bool) -> None:
    tables = Tables(limits=Limits(device_sessions_per_s=1))
    of_device = facts(device_id="d")
    tables.flush(kept(0, facts=of_device if named else None))
    assert tables.take(kept(9, session_id=OTHER_SESSION, facts=of_device)) == [True]
    assert tables.take(kept(9, facts=of_device)) == [is_new]


def test_a_batch_makes_its_own_earlier_events_late() -> None:
    assert Tables().take(identified(0, 1), identified(61, 2), identified(0, 1)) == [True, True, False]


def test_a_late_event_is_asked_of_the_tables_and_not_admitted_again() -> None:
    tables = Tables()
    first = identified(0, 1, offset=0)
    tables.take(first)
    tables.flush(first)
    assert tables.take(*(identified(seconds, 10 + seconds, offset=seconds) for seconds in range(30, 301, 30)))
    assert tables.take(identified(0, 1, offset=400)) == [False]
    assert tables.asked == [(SESSION, numbered(1))]


def test_a_late_event_on_its_way_into_the_tables_is_not_admitted_again() -> None:
    tables = Tables()
    assert tables.take(kept(300, offset=0), identified(0, 1, offset=1), identified(0, 1, offset=2)) == [
        True,
        True,
        False,
    ]
    assert tables.seen.unwritten({(SESSION, numbered(1)), (SESSION, numbered(2))}) == {(SESSION, numbered(1))}
    assert tables.take(identified(0, 1, offset=3)) == [False]


def test_an_id_that_left_memory_before_its_flush_is_still_known() -> None:
    tables = Tables()
    tables.take(*(identified(seconds, seconds, offset=seconds) for seconds in (0, 100, 200, 300)))
    assert tables.take(identified(0, 0, offset=999)) == [False]


def test_a_flush_while_the_tables_are_asked_does_not_let_a_late_event_in_twice() -> None:
    tables = Tables()
    tables.take(kept(300, offset=0), identified(0, 1, offset=1))
    again = identified(0, 1, offset=2)
    tables.seen.strangers([again])
    answer: set[SessionEvent] = set()  # what the tables say before the flush
    tables.seen.flushed(2)
    assert not tables.seen.admit([again], answer).new


def test_a_flush_while_the_tables_are_asked_does_not_forget_the_sessions_in_question() -> None:
    tables = Tables(most_ids=0)
    tables.take(identified(0, 1))
    assert tables.seen.strangers([identified(0, 1)]) == set()
    tables.seen.flushed(1)
    assert tables.seen.late([identified(0, 1)]) == set()
    assert not tables.seen.admit([identified(0, 1)], set()).new


def test_forgotten_sessions_are_learnt_again_from_their_rows() -> None:
    tables = Tables(most_ids=0)
    events = [identified(0, 1, offset=0), identified(90, 2, offset=1)]
    tables.take(*events)
    tables.flush(*events)
    assert tables.seen.strangers([kept(0)]) == {SESSION}
    assert len(tables.seen) == 0
    assert tables.take(*events, identified(95, 3, offset=2)) == [False, False, True]
    assert tables.asked == [(SESSION, numbered(1))]


def test_the_least_recently_seen_sessions_are_forgotten_first_and_only_when_written() -> None:
    tables = Tables(most_ids=2 * (SESSION_WEIGHT + 2))
    sessions = [numbered(100 + n) for n in range(3)]
    events = [replace(identified(n, n, offset=n), session_id=key) for n, key in enumerate(sessions)]
    tables.take(*events)
    tables.seen.strangers([])
    assert len(tables.seen) == 6
    tables.flush(events[0])
    assert tables.seen.strangers(events) == {sessions[0]}
    assert len(tables.seen) == 4


@pytest.mark.parametrize("hours", [1, 100])
def test_memory_holds_a_sessions_ids_for_some_windows_only(hours: int) -> None:
    tables = Tables()
    for minute in range(0, hours * 60):
        event = identified(minute * 60, minute, offset=minute)
        tables.take(event)
        tables.flush(event)
    assert len(tables.seen) <= 6


def test_an_event_sent_again_is_known_by_the_clients_clock_although_its_corrected_time_has_moved() -> None:
    # client's clock:     -36000 first, again .......... 0 newest
    # corrected clock:    -36000 first ................. 0 newest, 60 again (shifted by its late arrival)
    tables = Tables()
    first, newest = identified(-36_000, 1), identified(0, 2, 1)
    assert tables.take(first, newest) == [True, True]
    tables.flush(first, newest)
    again = replace(identified(60, 1, 2), client_us=first.client_us)
    assert tables.take(again) == [False]
    assert tables.asked == [(SESSION, numbered(1))]


# Arrivals:  SESSION at 0 ................. OTHER_SESSION at 60 | 60.000001; allowed lateness 60 s
@pytest.mark.parametrize(("seconds", "kept_in_memory"), [(60, True), (60.000001, False)])
def test_a_session_that_was_silent_for_the_allowed_lateness_leaves_memory(seconds: float, kept_in_memory: bool) -> None:
    tables = Tables()
    first, other = identified(0, 1, offset=0), replace(identified(seconds, 2, offset=1), session_id=OTHER_SESSION)
    tables.take(first)
    tables.take(other)
    assert tables.seen.strangers([first]) == set(), "it is not in the tables yet"
    tables.flush(first, other)
    assert tables.seen.strangers([first]) == (set() if kept_in_memory else {SESSION})
    assert tables.take(first) == [False]


# Windows begin at 0, 60, 120 ...; remembered are those that begin at most 120 s before the newest event.
#   newest:       an id of 0 is
#   0 ... 120     remembered
#   120.000001    forgotten
@pytest.mark.parametrize(("newest", "is_repeated"), [(0, True), (119, True), (120, True), (120.000001, False)])
@pytest.mark.parametrize("restarted", [False, True])
def test_an_id_with_another_time_is_known_as_long_whether_remembered_or_learnt_again(
    newest: float, is_repeated: bool, restarted: bool
) -> None:
    tables = Tables()
    events = [identified(0, 1, offset=0), identified(newest, 2, offset=1)]
    assert tables.take(*events) == [True, True]
    tables.flush(*events)
    if restarted:
        tables.seen = SeenIds(LATENESS_S, 2_000_000, Limits())
    assert tables.take(identified(newest, 1, offset=2)) == [not is_repeated]
