"""Faust's Kafka transport, delivering one message per fetched partition batch.

Faust spends some 85 µs on each message on its way to an agent, whatever the agent does. So
for the source topics a message is not one record but the list of records of one fetch and
partition (docs/design.md has the figures). Where to read from is not Faust's to decide
either: the consumer asks the intake, which asks the ledger.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Protocol, TypeVar, cast

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
)
from faust.exceptions import ConsumerNotStarted
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, Message
from faust.types.tuples import ConsumerMessage

from agents import metrics, offsets
from agents.arrivals import appended_us, arrival_us
from agents.batches import RecordBatch, split
from agents.offsets import Fetched
from agents.retrying import away
from schema.rows import Partition, Record

ASKS_AGAIN_AFTER_S = 1.0
"""Brokers that forbid to read a topic are asked so often; they answer each fetch at once."""

ALLOWED_AFTER_S = 10.0
"""So long without a refusal, and reading is allowed again."""

T = TypeVar("T")


class Assignee(Protocol):
    """Whoever decides where assigned partitions are read from."""

    def on_assigned(self, partitions: set[Partition]) -> None:
        """Take note of a new assignment; reading waits for :meth:`BatchConsumer.read_from`."""
        ...

    def reclaim(self) -> None:
        """Decide anew where the partitions held now are read from."""
        ...


FETCH_WAIT_MS = 50
"""A broker may hold a fetch back so long for want of records. It then holds those of all partitions back that come
meanwhile, because one fetch is under way at a time: with Faust's 1 500 ms, rage clicks came 3 s late."""

FETCH_WAIT_BYTES = 64 * 1024
"""What a fetch waits for. With Faust's 1 byte there were hundreds a second: 1 000 events/s took two thirds of a
processor, with this a quarter."""

FETCH_BYTES = 1024 * 1024
"""Per fetch, or one record where that is larger: what comes through 64 kB/s within a request's time (20 s)."""


class QuickReadCommittedThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Faust's client with what it has no settings for: committed records only, short waits, small fetches."""

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        consumer._fetch_min_bytes = FETCH_WAIT_BYTES
        consumer._fetch_max_bytes = FETCH_BYTES
        return consumer

    async def on_thread_stop(self) -> None:
        """Close what a fetch that waits to be tried again keeps aiokafka from closing.

        Its consumer cancels such a fetch and passes the cancelling on as if it were its own: the thread would die of
        it, and whoever waits for the thread would not hear of that.
        """
        try:
            await super().on_thread_stop()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            await self._ensure_consumer()._client.close()


class BatchConsumer(driver.Consumer):  # type: ignore[misc]
    """A consumer of source topics that reads where it is told, in batches."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._ends: dict[TP, int] = {}
        self._reading = 0
        self._forbidden_s: float | None = None
        self._fetching = asyncio.Lock()  # a fetch begun before a seek may return records from after it

    def _new_consumer_thread(self) -> QuickReadCommittedThread:
        return QuickReadCommittedThread(self, loop=self.loop, beacon=self.beacon)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Hold all partitions until the ledger has said where they are to be read from.

        Faust calls this after each assignment, at times more than once; what it returns
        would be sought to, so nothing is.
        """
        self.hold()
        assigned = {Partition(tp.topic, tp.partition) for tp in self.assignment()}
        self._assignee().on_assigned(assigned)
        return {}

    def hold(self) -> None:
        """Stop reading until :meth:`read_from`, and drop what was fetched and not handed on."""
        self._reading += 1
        self._ends.clear()
        self.pause_partitions(self.assignment())

    async def read_from(self, begins: Mapping[Partition, int]) -> None:
        """Start reading ``begins``' partitions there; those that are being read already go on."""
        positions = {TP(*partition): offset for partition, offset in begins.items()}
        async with self._fetching:
            await self.seek_wait(positions)
            self._ends |= positions
            self.resume_partitions(positions)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """Yield a message per partition and fetch; its value is a :class:`RecordBatch`."""
        async with self._fetching:
            reading = self._reading
            try:
                self._note_allowed()
                fetched, _ = await self._wait_next_records(timeout)
            except OffsetOutOfRangeError:  # retention was quicker: the claim says what that cost
                self._assignee().reclaim()
                return
            except NoOffsetForPartitionError:  # from before the claim, with nothing acknowledged to go by
                return
            except TopicAuthorizationFailedError as error:
                await self._wait_for_permission(error)
                return
            wanted = frozenset(self._ends)  # of others, what was fetched is from before they are sought to
            positions = self._positions()
        for tp, batch, end in batches(fetched or {}, positions):
            if not self.flow_active or self.should_stop or reading != self._reading:
                return
            if tp in wanted and end > self._ends[tp]:  # not while its claim is under way, nor without news
                yield tp, self._to_batch_message(tp, batch, end)

    async def _wait_for_permission(self, error: KafkaError) -> None:
        """Say that reading is forbidden, and leave it alone for a moment."""
        self._forbidden_s = self.loop.time()
        metrics.RETRIES.labels("broker").inc()
        away.note(self, "broker", "Reading", error)
        await asyncio.sleep(ASKS_AGAIN_AFTER_S)

    def _note_allowed(self) -> None:
        if self._forbidden_s is not None and self.loop.time() - self._forbidden_s > ALLOWED_AFTER_S:
            self._forbidden_s = None
            away.forget(self)

    async def refusal(self) -> Exception | None:
        """See :meth:`agents.joining.Member.refusal`."""

        async def look() -> Exception | None:
            try:
                self._thread._ensure_consumer()._coordinator.check_errors()
            except KafkaError as error:
                return cast(Exception, error)
            except ConsumerNotStarted:
                pass
            return None

        return await self._ask(look())

    async def bounds(self, partitions: Iterable[Partition], within_s: float) -> dict[Partition, tuple[int, int]]:
        """Return the first offset and the one after the last, of each partition whose leader answers in time."""
        return await self._ask(offsets.bounds(self._thread._ensure_consumer(), partitions, within_s))

    async def ends(self, partitions: Iterable[Partition], within_s: float) -> dict[Partition, int]:
        """Return the offset after the last committed record, of each partition whose leader answers in time."""
        return await self._ask(offsets.ends(self._thread._ensure_consumer(), partitions, within_s))

    async def _ask(self, question: Coroutine[Any, Any, T]) -> T:
        """Have a question asked in the client's thread.

        May be cancelled: it holds up no other call, which the queue to that thread would, two of them all.
        """
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(question, self._thread.thread_loop))

    async def note_progress(self, settled: Mapping[Partition, int]) -> None:
        """Commit ``settled`` offsets to the group: a hint for lag tools, never read back here."""
        if self.app.rebalancing:
            return
        consumer = self._thread._ensure_consumer()
        hints = {TopicPartition(*partition): offset for partition, offset in settled.items()}
        with suppress(KafkaError):  # fenced, rebalancing, broker away: the ledger is the truth
            await self._thread.call_thread(consumer.commit, hints)

    def lag(self) -> dict[Partition, int]:
        """Return the records between what was handed on and the end, where that is known."""
        assigned = self.assignment()
        ends = {tp: self.highwater(tp) for tp in self._ends if tp in assigned}
        return {
            Partition(tp.topic, tp.partition): max(0, end - self._ends[tp])
            for tp, end in ends.items()
            if end is not None
        }

    def fetched(self) -> dict[Partition, Fetched]:
        """Return what the latest answer to a fetch said of each partition that is read."""
        assignment = self._thread._ensure_consumer()._subscription.subscription.assignment
        states = {tp: assignment.state_value(TopicPartition(*tp)) for tp in self._ends}
        return {
            Partition(tp.topic, tp.partition): Fetched(state.highwater, state.lso, state.timestamp / 1000)
            for tp, state in states.items()
            if state is not None and state.lso is not None
        }

    def _positions(self) -> dict[TP, int]:
        """Return where the client goes on reading: past transaction markers and what was compacted away."""
        assignment = self._thread._ensure_consumer()._subscription.subscription.assignment
        states = {tp: assignment.state_value(TopicPartition(*tp)) for tp in self._ends}
        return {tp: state.position for tp, state in states.items() if state is not None and state.has_valid_position}

    def _assignee(self) -> Assignee:
        return cast(Assignee, self.app.intake)

    def _to_batch_message(self, tp: TP, records: list[Any], end: int) -> ConsumerMessage:
        partition = Partition(tp.topic, tp.partition)
        batch = RecordBatch(
            partition,
            self._ends[tp],
            end,
            [
                Record(partition, r.offset, arrival_us(r), r.key, r.value, appended_us(r) if r.headers else None)
                for r in records
            ],
        )
        self._ends[tp] = batch.end
        return ConsumerMessage(
            topic=tp.topic,
            partition=tp.partition,
            offset=end - 1,
            timestamp=records[-1].timestamp / 1000.0 if records else 0.0,
            timestamp_type=0,
            headers=(),
            key=None,
            value=batch,
            checksum=None,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )


def batches(fetched: Mapping[TP, list[Any]], positions: Mapping[TP, int]) -> Iterator[tuple[TP, list[Any], int]]:
    """Yield each partition's records in runs, with the offset where reading goes on after each.

    A partition whose position moved without records (transaction markers) gets an empty run.
    """
    for tp, records in fetched.items():
        runs = list(split(records))
        for run in runs[:-1]:
            yield TP(*tp), run, run[-1].offset + 1
        if runs:
            yield TP(*tp), runs[-1], max(positions.get(TP(*tp), 0), runs[-1][-1].offset + 1)
    for tp in positions.keys() - fetched.keys():
        yield tp, [], positions[tp]


class OpenProducer(driver.Producer):  # type: ignore[misc]
    """Faust's producer, which lets its client be used: Faust has no batches."""

    def client(self) -> AIOKafkaProducer:
        """Return the client of the started producer."""
        return self._ensure_producer()


class BatchTransport(driver.Transport):  # type: ignore[misc]
    """Faust's transport with :class:`BatchConsumer` and :class:`OpenProducer` in it."""

    Consumer = BatchConsumer
    Producer = OpenProducer
