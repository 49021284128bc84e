"""200 000 records, most of them hostile, through a real broker, a real worker and a real database.

What is to come of them is worked out here, from the same bytes. What they cost is not asked: time and CPU are a
benchmark's (``hostile``), where nothing else runs.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import tee
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer

from pipeline.decode import decode_chunk, decode_events
from schema.reasons import Reason
from schema.rows import DeadLetter, KeptChunk, KeptEvent, Partition, Record
from tests.builders import POLICY
from tests.deployment import Deployment, WorkerProcess, wait_until
from tests.hostile.independent import assert_numbers_as_sent, events_in, read
from tests.hostile.load import Load, Parcel

SEED = int(os.environ.get("HXI_TEST_HOSTILE_SEED", "1"))
RECORDS = 200_000
HOSTILE_SHARE = 0.6
READ_TWICE = 10
"""One record in so many is read by other means as well; the unit and property tests do that with all of them."""

PATIENCE_S = 400.0
"""Other tests run beside this one: it took 140 to 210 s on two busy processors."""
EVENTS, REPLAY = Partition("events", 0), Partition("replay", 0)
NUMBERS = ("x", "y", "scroll_position", "viewport_width", "viewport_height")


@dataclass
class Expected:
    """What is to come of the records."""

    received: int = 0
    events: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    calls: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    ids: set[tuple[UUID, UUID]] = field(default_factory=set)
    chunks: set[tuple[UUID, int]] = field(default_factory=set)
    letters: Counter[tuple[str, bytes]] = field(default_factory=Counter)

    def add(self, number: int, parcel: Parcel, arrival_us: int) -> None:
        """Take a record into account."""
        sent = Record(REPLAY if parcel.is_replay else EVENTS, 0, arrival_us, parcel.key, parcel.value)
        if parcel.is_replay:
            self._add_chunk(decode_chunk(sent, POLICY))
            return
        outcomes = list(decode_events(sent, POLICY))
        kept = [outcome for outcome in outcomes if isinstance(outcome, KeptEvent)]
        assert len(kept) == len(outcomes) or not parcel.is_good, parcel
        if number % READ_TWICE == 0 and kept:
            said = events_in(read(parcel.value)) or []
            for event in kept:
                assert_numbers_as_sent(said[event.place.index or 0], event)
        for outcome in outcomes:
            if isinstance(outcome, DeadLetter):
                self._add_letter(outcome)
            else:
                self._add_event(outcome)

    @property
    def written(self) -> int:
        """Events and chunks that are there once."""
        return self.events.total() + len(self.chunks)

    @property
    def duplicates(self) -> int:
        """Events and chunks that were there before."""
        return self.received - self.written - self.letters.total()

    def _add_event(self, event: KeptEvent) -> None:
        self.received += 1
        if event.event_uuid is not None:
            key = (event.session_id, event.event_uuid)
            if key in self.ids:
                return
            self.ids.add(key)
        self.events[event.session_id, event.event_type, *(getattr(event, name) for name in NUMBERS)] += 1
        if event.api_call is not None:
            self.calls[event.session_id, event.api_call.latency_ms, event.api_call.status_code] += 1

    def _add_chunk(self, outcome: KeptChunk | DeadLetter) -> None:
        if isinstance(outcome, DeadLetter):
            self._add_letter(outcome)
            return
        self.received += 1
        self.chunks.add((outcome.session_id, outcome.chunk_index))

    def _add_letter(self, letter: DeadLetter) -> None:
        self.received += 1
        self.letters[letter.reason.value, _digest(letter.value)] += 1


def _digest(value: bytes | None) -> bytes:
    return sha256(value or b"").digest()


async def publish(deployment: Deployment, parcels: Iterable[Parcel], arrival_ms: int) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=deployment.bootstrap,
        linger_ms=20,
        max_batch_size=256 * 1024,
        max_request_size=16 * 1024 * 1024,
    )
    await producer.start()
    try:
        for parcel in parcels:
            topic = deployment.topic("REPLAY" if parcel.is_replay else "EVENTS")
            if parcel.key is None and parcel.value is None:  # which the client's own way to send refuses
                nothing = producer.create_batch()
                nothing.append(key=None, value=None, timestamp=arrival_ms)
                await producer.send_batch(nothing, topic, partition=0)
            else:
                partition = 0 if parcel.key is None else None  # or else each goes where chance has it
                await producer.send(topic, parcel.value, parcel.key, partition, timestamp_ms=arrival_ms)
        await producer.flush()
    finally:
        await producer.stop()


def stored(deployment: Deployment, columns: str, table: str) -> Counter[tuple[Any, ...]]:
    return Counter(deployment.query(f"SELECT {columns} FROM {table}"))


def refused(deployment: Deployment) -> Counter[tuple[str, bytes]]:
    return Counter((dict(each.headers)["reason"].decode(), _digest(each.value)) for each in deployment.dead_letters())


def assert_counted(worker: WorkerProcess, expected: Expected) -> None:
    """Check that the metrics add up, and that there was never more than one claim of the partitions."""
    wait_until(
        lambda: worker.metric("hxi_received_total") >= expected.received,
        f"{expected.received} are received and settled",
    )
    counts = [worker.metric(f"hxi_{kind}_total") for kind in ("received", "written", "duplicate", "dead_lettered")]
    assert counts == [expected.received, expected.written, expected.duplicates, expected.letters.total()]
    assert expected.duplicates > 0
    assert worker.running
    assert len(worker.claims()) == worker.metric("hxi_claims_total") == 1
    assert "Traceback" not in worker.said()


@pytest.mark.usefixtures("needs_apache_kafka")
@pytest.mark.timeout(600)
def test_200_000_records_most_of_them_hostile_are_accounted_for_one_by_one(deployment: Deployment) -> None:
    load, expected = Load(SEED, int(time.time() * 1000)), Expected()
    worker = deployment.start_worker()
    worker.wait_until_reading()
    to_publish, to_expect = tee(load.mixed(RECORDS, HOSTILE_SHARE))
    asyncio.run(publish(deployment, to_publish, load.arrival_ms))
    for number, parcel in enumerate(to_expect):
        expected.add(number, parcel, load.arrival_ms * 1000)
    deployment.wait_until_drained(PATIENCE_S)

    assert stored(deployment, f"session_id, event_type, {', '.join(NUMBERS)}", "events") == expected.events
    assert stored(deployment, "session_id, latency_ms, status_code", "latency_metrics") == expected.calls
    assert stored(deployment, "session_id, chunk_index", "session_replay_chunks") == Counter(expected.chunks)
    assert refused(deployment) == expected.letters
    assert_counted(worker, expected)
    assert {Reason(reason) for reason, _ in expected.letters} == set(Reason) - {
        Reason.REJECTED_BY_DATABASE,
        Reason.TOO_MANY,
    }
