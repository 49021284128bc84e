"""The README's invariants, each on the worker's own intake and flusher, with the world around them in memory."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiokafka.errors import KafkaConnectionError

from agents import metrics
from agents.batches import RecordBatch
from agents.flusher import Flusher
from agents.intake import Intake
from agents.settings import Settings
from pipeline.dedup import SESSION_WEIGHT
from pipeline.flush import Flush
from pipeline.fold import FoldPolicy
from pipeline.limits import Limits
from pipeline.sinks.contract import RowsRejected, Unavailable, Written, nothing
from pipeline.sinks.memory import MemorySink
from schema.rows import DeadLetter, Partition, Place, Record

EVENTS = Partition("ui-events", 0)
ARRIVAL_US = 1_790_000_000_000_000
SESSION = "0c6f4f5e-8f6c-4d7e-9a59-2f6b3c1d2e3f"


def click(number: int) -> bytes:
    uuid = f"00000000-0000-4000-8000-{number:012d}"
    time_ms = 1_789_999_000_000 + number
    return json.dumps(
        {"session_id": SESSION, "event_type": "click", "timestamp": time_ms, "event_uuid": uuid, "x": number}
    ).encode()


class RecordingSink(MemorySink):
    """The twin in memory, writing down what is done, and failing as told."""

    def __init__(self, actions: list[str]) -> None:
        super().__init__(lambda: datetime.now(UTC).replace(tzinfo=None), FoldPolicy())
        self._actions = actions
        self.failures: list[Exception] = []
        self.refused_x: int | None = None

    async def write(self, flush: Flush, meanwhile: Callable[[], None] = nothing) -> Written:
        if self.failures:
            self._actions.append("write fails")
            raise self.failures.pop(0)
        if any(event.x == self.refused_x for event in flush.events if event.x is not None):
            raise RowsRejected("value refused")
        self._actions.append("commit")
        return await super().write(flush, meanwhile)

    async def rejected(self, flush: Flush) -> dict[Place, str]:
        return {event.place: "value refused" for event in flush.events if event.x == self.refused_x}


class World:
    """A topic of one partition around an intake and a flusher."""

    def __init__(self) -> None:
        self.actions: list[str] = []
        self.topic: list[bytes] = []
        self.letters: list[DeadLetter] = []
        self.broker_failures = 0
        self.sink = RecordingSink(self.actions)
        self.crashes: list[BaseException] = []
        self.start()

    def start(self) -> None:
        """Begin as a new process would: with no memory but the sink's."""
        self.intake = Intake(Settings(), self.sink, lambda: self, self.crashes.append)
        self.flusher = Flusher(self.intake, self.sink, 0.01, self.send_dead_letters, self.note_progress)
        self._position = -1

    def hold(self) -> None:
        self._position = -1

    async def read_from(self, offsets: Mapping[Partition, int]) -> None:
        self._position = offsets[EVENTS]

    async def bounds(self, partitions: Iterable[Partition], within_s: float) -> dict[Partition, tuple[int, int]]:
        return dict.fromkeys(partitions, (0, len(self.topic)))

    async def send_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        if self.broker_failures:
            self.broker_failures -= 1
            raise KafkaConnectionError
        self.actions.append("dead letters acknowledged")
        self.letters += letters

    async def note_progress(self, offsets: Mapping[Partition, int]) -> None:
        self.actions.append(f"ack {offsets[EVENTS]}")

    async def claim(self) -> None:
        self.intake.on_assigned({EVENTS})
        await self.claimed()

    async def claimed(self) -> None:
        async with asyncio.timeout(5):
            while not (self.intake.claimed and self._position >= 0):
                assert not self.crashes
                await asyncio.sleep(0)

    async def deliver(self, count: int = 1000) -> None:
        """Hand the next records over as the consumer would."""
        start = self._position
        values = self.topic[start : start + count]
        records = [Record(EVENTS, start + i, ARRIVAL_US, b"k", value) for i, value in enumerate(values)]
        self._position = start + len(records)
        if records:
            await self.intake.take(RecordBatch(EVENTS, start, self._position, records))

    async def run(self) -> None:
        """Claim, read everything, and write it."""
        await self.claim()
        await self.deliver()
        await self.flusher.flush()
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.retrying.FIRST_DELAY_S", 0.001)
    monkeypatch.setattr("agents.retrying.LONGEST_DELAY_S", 0.002)


@pytest.fixture
def world() -> World:
    return World()


async def test_ack_after_commit(world: World) -> None:
    world.topic = [click(1), b"broken"]
    world.sink.failures = [Unavailable("away")]
    world.broker_failures = 2
    await world.run()
    assert world.actions == ["dead letters acknowledged", "write fails", "commit", "ack 2"]


async def test_twice_is_once(world: World) -> None:
    world.topic = [click(1), click(2), click(1)]
    await world.run()
    world.topic += [click(2), click(3)]
    world.start()
    await world.run()
    assert sorted(row.x or 0 for row in world.sink.events) == [1, 2, 3]
    assert world.sink.ledger[EVENTS].next_offset == 5


async def test_a_flush_that_failed_after_its_commit_is_not_written_again(world: World) -> None:
    world.topic = [click(1)]
    written = world.sink.write

    async def commit_and_lose_the_answer(flush: Flush, meanwhile: Callable[[], None] = nothing) -> Written:
        world.sink.write = written  # type: ignore[method-assign]
        await written(flush, meanwhile)
        raise Unavailable("connection lost while committing")

    world.sink.write = commit_and_lose_the_answer  # type: ignore[method-assign]
    await world.run()
    assert [row.x for row in world.sink.events] == [1]


def total(counter: object) -> float:
    samples = counter.collect()[0].samples  # type: ignore[attr-defined]
    return float(sum(sample.value for sample in samples if sample.name.endswith("_total")))


async def test_nothing_vanishes(world: World) -> None:
    counters = (metrics.RECEIVED, metrics.WRITTEN, metrics.DUPLICATE, metrics.DEAD_LETTERED)
    before = [total(counter) for counter in counters]
    world.topic = [click(1), b"", click(1), click(2), b"[]", json.dumps({"events": [{}, 5]}).encode()]
    await world.run()
    received, written, duplicate, dead = (total(counter) - was for counter, was in zip(counters, before, strict=True))
    assert (received, written, duplicate, dead) == (7, 2, 1, 4)
    assert received == written + duplicate + dead


async def test_latencies_that_are_counted_under_other_are_counted_for_the_operator(world: World) -> None:
    before = total(metrics.FOLDED)
    call = {"event_type": "api_call", "latency_ms": 1, "status_code": 200, "timestamp": 1_789_999_000_000}
    calls = [{"api_endpoint": f"/made-up-{number}"} for number in range(Limits().window_keys + 3)]
    world.topic = [json.dumps({"session_id": SESSION, **call, "events": calls}).encode()]
    await world.run()
    assert total(metrics.FOLDED) - before == 3


async def test_bad_input_never_stops_us_a_failing_database_always_does(world: World) -> None:
    world.topic = [b"\xff", b"", b"[[[", click(1)]
    world.sink.failures = [Unavailable(f"down {i}") for i in range(20)]
    await world.run()
    assert world.actions.count("write fails") == 20
    assert [row.x for row in world.sink.events] == [1]
    assert len(world.letters) == 3


async def test_one_row_that_the_database_refuses_becomes_a_dead_letter_and_the_rest_is_written(world: World) -> None:
    world.topic = [click(number) for number in range(9)]
    world.sink.refused_x = 4
    await world.run()  # refused: the partition is claimed again
    await world.claimed()
    await world.deliver()
    await world.flusher.flush()
    assert sorted(row.x or 0 for row in world.sink.events) == [0, 1, 2, 3, 5, 6, 7, 8]
    (letter,) = world.letters
    assert (letter.place, letter.reason) == (Place(EVENTS, 4), "rejected_by_database")
    assert world.intake._decoder.poison == {}  # once that is written


async def test_an_event_of_a_batch_that_the_database_refuses_is_dead_lettered_alone(world: World) -> None:
    batch = {"session_id": SESSION, "events": [json.loads(click(number)) for number in range(3)]}
    world.topic = [json.dumps(batch).encode()]
    world.sink.refused_x = 1
    await world.run()
    await world.claimed()
    await world.deliver()
    await world.flusher.flush()
    (letter,) = world.letters
    assert letter.place.index == 1
    assert json.loads(letter.value or b"") == json.loads(click(1))


async def test_a_batch_that_does_not_join_up_is_read_again(world: World) -> None:
    world.topic = [click(number) for number in range(6)]
    await world.claim()
    await world.deliver(2)
    world._position += 2  # a message lost between the consumer and the agent
    await world.deliver(2)
    await world.claimed()
    await world.deliver()
    await world.flusher.flush()
    assert sorted(row.x or 0 for row in world.sink.events) == [0, 1, 2, 3, 4, 5]


async def test_reading_again_while_a_claim_is_under_way_claims_all_that_is_assigned(world: World) -> None:
    world.topic = [click(1)]
    world.intake.on_assigned({EVENTS})
    world.intake.reclaim()  # a flush of before the assignment was refused, say
    await world.claimed()
    await world.deliver()
    await world.flusher.flush()
    assert [row.x for row in world.sink.events] == [1]


async def test_a_fenced_worker_writes_nothing_more(world: World) -> None:
    world.topic = [click(1)]
    await world.claim()
    await world.deliver()
    await world.sink.claim([EVENTS])  # somebody else
    await world.flusher.flush()
    assert world.sink.events == []
    assert "ack 1" not in world.actions


async def test_a_last_flush_that_takes_too_long_is_not_followed_by_another(world: World) -> None:
    world.topic = [click(1), click(2)]
    await world.claim()
    running = asyncio.ensure_future(world.flusher.run())
    await world.deliver(1)
    world.sink.failures = [Unavailable("away")] * 10_000
    with pytest.raises(TimeoutError):
        await world.flusher.finish(0.05)
    world.sink.failures = []
    await world.deliver(1)
    await world.flusher.flush()
    await asyncio.wait_for(running, 5)
    assert "commit" not in world.actions
    assert set(world.actions) == {"write fails"}


@pytest.fixture
def worth_closing_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a flush worth closing as soon as it holds an event."""
    monkeypatch.setattr("agents.pending.WORTH_CLOSING", 1)


async def full_while_another_is_written(world: World) -> "asyncio.Task[None]":
    """Return the flush of a first event under way, during which a second event has filled the next flush."""
    world.topic = [click(1), click(2), click(3)]
    world.sink.failures = [Unavailable("away")]
    await world.claim()
    await world.deliver(1)
    under_way = asyncio.ensure_future(world.flusher.flush())
    await asyncio.sleep(0)
    await world.deliver(1)
    assert world.intake.closed is None
    return under_way


@pytest.mark.usefixtures("worth_closing_with_one")
async def test_a_full_flush_is_closed_while_another_is_written_and_comes_next(world: World) -> None:
    await (await full_while_another_is_written(world))
    assert world.intake.closed is not None
    await world.deliver(1)
    await world.flusher.flush()
    assert [row.x for row in world.sink.events] == [1, 2]
    assert world.sink.ledger[EVENTS].next_offset == 2
    await world.flusher.flush()
    assert [row.x for row in world.sink.events] == [1, 2, 3]


@pytest.mark.usefixtures("worth_closing_with_one")
async def test_a_last_flush_writes_what_was_closed_and_what_is_pending(world: World) -> None:
    await (await full_while_another_is_written(world))
    await world.deliver(1)
    await world.flusher.finish(5)
    assert [row.x for row in world.sink.events] == [1, 2, 3]


@pytest.mark.usefixtures("worth_closing_with_one")
async def test_what_was_closed_under_an_earlier_claim_is_read_again_and_not_written(world: World) -> None:
    await (await full_while_another_is_written(world))
    await world.run()
    assert world.sink.ledger[EVENTS].epoch == 2
    assert [row.x for row in world.sink.events] == [1, 2, 3]


async def test_a_last_flush_writes_what_is_pending_after_the_one_under_way(world: World) -> None:
    world.topic = [click(1), click(2)]
    await world.claim()
    await world.deliver(1)
    under_way = asyncio.ensure_future(world.flusher.flush())
    await asyncio.sleep(0)
    await world.deliver(1)
    await world.flusher.finish(5)
    assert under_way.done()
    assert [row.x for row in world.sink.events] == [1, 2]


def test_time_is_given_never_taken() -> None:
    """The same is checked on the syntax tree in test_layers; this is the sentence of the README."""
    clocks = ("time.time", "datetime.now", "datetime.utcnow", "monotonic(")
    root = Path(__file__).parents[2]
    for folder in ("schema", "pipeline"):
        for file in (root / folder).rglob("*.py"):
            assert not any(clock in file.read_text("utf-8") for clock in clocks), file


async def test_the_ids_that_may_be_remembered_are_shared_among_the_partitions(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.intake.MOST_IDS", 2 * (SESSION_WEIGHT + 9))
    of_another_session = click(10).replace(b"0c6f4f5e", b"00000000")
    world.topic = [*(click(number) for number in range(9)), of_another_session]
    world.intake.on_assigned({EVENTS, Partition("ui-events", 1), Partition("session-replay", 0)})
    await world.claimed()
    await world.deliver(9)  # one too many for a share of a half, since their session counts as one more
    await world.flusher.flush()
    await world.deliver(1)
    assert len(world.intake.owned[EVENTS].seen) == 2
