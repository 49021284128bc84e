"""What a worker does shows in its metrics: a flush and its phases, an assignment's way, servers that are away."""

import asyncio
from contextlib import suppress

import pytest
import time_machine

from agents import metrics
from agents.away import Away
from agents.observing import FlushTimes, count_flush, watch_loop_delay
from agents.owned import Owned
from agents.pending import Pending
from agents.recovery import Recovery
from pipeline.dedup import SeenIds
from pipeline.flush import Flush
from pipeline.fold import FoldPolicy
from pipeline.limits import Limits
from pipeline.moments import moment
from pipeline.seen_chunks import SeenChunks
from pipeline.sinks.contract import Claim, Written
from pipeline.sinks.memory import MemorySink
from schema.reasons import Reason
from schema.rows import DeadLetter, Partition, Place
from tests.builders import NOON_US, at, kept, kept_chunk

ONE, TWO = Partition("recovering", 1), Partition("recovering", 2)


def samples(name: str) -> dict[tuple[str, ...], float]:
    """Return what the registry says of a series now, by the values of its labels."""
    found = (one for family in metrics.REGISTRY.collect() for one in family.samples if one.name == name)
    return {tuple(one.labels.values()): one.value for one in found}


class Change:
    """How much series change in the block."""

    def __init__(self, *names: str) -> None:
        self._before = {name: samples(name) for name in names}

    def of(self, name: str) -> dict[tuple[str, ...], float]:
        """Return those labels' values whose sample has changed, and by how much."""
        before = self._before[name]
        changes = {labels: value - before.get(labels, 0) for labels, value in samples(name).items()}
        return {labels: change for labels, change in changes.items() if change}


# event 0: happened at 0 s, arrived at 1 s; event 1: at 2 s, arrived at 2 s; the chunk arrived at 2.5 s; commit at 3 s
def test_ages_at_the_commit_are_those_of_events_and_chunks_each() -> None:
    ends = [f"hxi_{end}_to_commit_seconds_{what}" for end in ("append", "client") for what in ("count", "sum")]
    change = Change(*ends)
    events = [kept(0, arrival_us=at(1)), kept(2, arrival_us=at(2))]
    flush = Flush(events=events, chunks=[kept_chunk(arrival_us=at(2.5))])
    with time_machine.travel((NOON_US + 3_000_000) / 1e6, tick=False):
        count_flush(Pending(flush), Written({}))
    assert [change.of(end) for end in ends] == [{(): 3}, {(): 2 + 1 + 0.5}, {(): 2}, {(): 3 + 1}]


# both came first a day ago; the event was replayed and arrived again at 2 s, in record 7; commit at 3 s
def test_what_is_replayed_is_as_old_as_its_own_record() -> None:
    change = Change("hxi_append_to_commit_seconds_count", "hxi_append_to_commit_seconds_sum")
    day_us = 86_400_000_000
    flush = Flush(
        events=[kept(0, offset=7, arrival_us=NOON_US - day_us)],
        chunks=[kept_chunk(offset=8, arrival_us=NOON_US - day_us)],
    )
    pending = Pending(flush, appended_us={(flush.events[0].place.partition, 7): at(2)})
    with time_machine.travel((NOON_US + 3_000_000) / 1e6, tick=False):
        count_flush(pending, Written({}))
    assert change.of("hxi_append_to_commit_seconds_count") == {(): 2}
    assert change.of("hxi_append_to_commit_seconds_sum") == {(): 1 + 86_403}


def test_what_is_refused_whole_is_counted_in_records_and_bytes_too() -> None:
    names = [f"hxi_{what}_total" for what in ("dead_lettered", "records", "record_bytes")]
    names += [f"hxi_refused_{what}_total" for what in ("records", "record_bytes")]
    change = Change(*names)
    batch = b'{"events": [{}, {'
    letters = [
        DeadLetter(Place(ONE, 0), Reason.MALFORMED_JSON, "cut off", None, batch, NOON_US),
        DeadLetter(Place(ONE, 1), Reason.EMPTY, "no value", None, None, NOON_US),
        DeadLetter(Place(ONE, 2, 0), Reason.WRONG_TYPE, "one of many", None, b"{}", NOON_US),
    ]
    count_flush(Pending(dead_letters=letters, records=5, record_bytes=500), Written({}))
    assert change.of("hxi_dead_lettered_total") == {("malformed_json",): 1, ("empty",): 1, ("wrong_type",): 1}
    assert [change.of(name)[()] for name in names[1:]] == [5, 500, 2, len(batch)]


def test_rows_outside_of_flushes_are_counted_by_their_table() -> None:
    change = Change("hxi_rows_total")
    FlushTimes().wrote({"emotion_predictions": 2, "experience_scores": 0})
    assert change.of("hxi_rows_total") == {("emotion_predictions",): 2}


def test_a_phase_lasts_from_the_end_of_the_one_before() -> None:
    clock = iter([10, 11, 13, 17, 20, 20.5])
    change = Change("hxi_flush_phase_seconds_sum")
    times = FlushTimes(lambda: next(clock))
    times.began()
    times.ended("lock")
    times.ended("fold")
    times.ended("copy")  # and then the connection is lost
    times.began()
    times.ended("lock")
    assert change.of("hxi_flush_phase_seconds_sum") == {("lock",): 1 + 0.5, ("fold",): 2, ("copy",): 4}


async def test_a_loop_that_is_held_up_shows_by_how_much() -> None:
    clock = iter([100.0, 100.35, 200.0, 200.25, 300.0])
    rounds = iter([None, None])

    async def sleep(seconds: float) -> None:
        if next(rounds, "over") == "over":
            raise asyncio.CancelledError

    change = Change("hxi_event_loop_delay_seconds_sum", "hxi_event_loop_delay_seconds_count")
    with suppress(asyncio.CancelledError):
        await watch_loop_delay(lambda: next(clock), sleep)
    assert change.of("hxi_event_loop_delay_seconds_sum")[()] == pytest.approx(0.1)
    assert change.of("hxi_event_loop_delay_seconds_count") == {(): 2}


class Way:
    """An assignment's way, and what was measured of it so far."""

    def __init__(self) -> None:
        self._change = Change("hxi_recovery_seconds_count")
        sink = MemorySink(lambda: moment(NOON_US), FoldPolicy())
        self.owned = {
            key: Owned(sink, SeenIds(60, 100, Limits()), SeenChunks(Limits()), Claim(1, 5), 5) for key in (ONE, TWO)
        }
        self.recovery = Recovery()

    def measured(self) -> set[str]:
        counts = self._change.of("hxi_recovery_seconds_count")
        assert set(counts.values()) <= {1}
        return {until for (until,) in counts}


def test_an_assignment_with_nothing_to_read_has_caught_up_when_it_is_claimed() -> None:
    way = Way()
    way.recovery.claimed(way.owned, {ONE: 5, TWO: 5})
    assert way.measured() == {"claimed", "caught_up"}
    way.recovery.read()
    assert way.measured() == {"claimed", "caught_up"}


# ledgers at 5; ONE ends at 8, TWO at 5
def test_an_assignment_catches_up_when_all_that_waited_is_written_and_each_step_is_measured_once() -> None:
    way = Way()
    way.recovery.claimed(way.owned, {ONE: 8, TWO: 5})
    assert way.measured() == {"claimed"}
    for _ in range(2):
        way.recovery.read()
        assert way.measured() == {"claimed", "first_read"}
    way.owned[ONE].flushed(7)
    way.recovery.written(way.owned)
    assert way.measured() == {"claimed", "first_read"}
    for written_to in (8, 9):
        way.owned[ONE].flushed(written_to)
        way.recovery.written(way.owned)
        assert way.measured() == {"claimed", "first_read", "caught_up"}


def test_a_server_is_away_until_nobody_waits_for_it() -> None:
    away = Away()
    assert away.reason() is None
    away.note(1, "dead_letters", "Sending 2 dead letters")
    away.note(2, "database", "Writing 3 events and chunks")
    assert away.reason() == "the broker does not answer; what waits for it: Sending 2 dead letters"
    away.forget(1)
    away.forget(1)
    assert away.reason() == "the database does not answer; what waits for it: Writing 3 events and chunks"
    away.forget(2)
    assert away.reason() is None
