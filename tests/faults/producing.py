"""Traffic for a campaign, with a log of all that the broker took: ``python -m tests.faults.producing LOG ORDER``.

Publishes until SIGTERM, then waits until everything is acknowledged. The order is JSON, the fields of
:class:`Order`. A line of the log is ``topic partition offset digest badness``.
"""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, TextIO

from aiokafka import AIOKafkaProducer
from aiokafka.structs import RecordMetadata

from agents.settings import load_settings
from pipeline.simulation import Delivery
from tests.rough_traffic import rough_traffic

SPAN_MS = 2 * 3600 * 1000
"""The simulated world began so long before now: nothing of it lies in the future, nor beyond any retention."""

TEN_YEARS_MS = 10 * 365 * 24 * 3600 * 1000
MOST_EVENTS = 2_000_000
BROKER_PATIENCE_MS = 600_000
"""A campaign's broker may be away for minutes: what is to be published waits."""

MOST_WAITING_BYTES = 1_000_000
"""Of one partition; beyond it the others wait, too."""


@dataclass(frozen=True)
class Order:
    """What to publish.

    Attributes:
        records_per_s: How many a second, on average three events each.
        at_once: How many come first, as fast as they can.
        bad_share: How many records of all are bad, or have a bad event in them; of those after ``bad_in_a_row``.
        bad_in_a_row: How many bad ones come before everything, as fast as they can.
        wrong_clocks: Whether one session in three has a client clock that is ten years off.
        seed: Of the people, and of what is bad; campaigns draw it.
    """

    records_per_s: float
    at_once: int = 0
    bad_share: float = 0.02
    bad_in_a_row: int = 0
    wrong_clocks: bool = False
    seed: int = 0

    def as_argument(self) -> str:
        """Return the order as the command line has it."""
        return json.dumps(asdict(self))


class Parcel(NamedTuple):
    """A record to be published, and whether all of it is bad ("all"), an event of its batch, or nothing ("none")."""

    is_replay: bool
    key: bytes
    value: bytes
    sent_at_ms: int
    badness: str


def parcels(order: Order) -> Iterator[Parcel]:
    """Yield what is to be published, the same for the same order and start."""
    chance = Random(order.seed)
    start_ms = int(time.time() * 1000) - SPAN_MS
    for _ in range(order.bad_in_a_row):
        yield _bad(chance, str(order.seed).encode(), start_ms)
    for delivery in rough_traffic(MOST_EVENTS, order.seed, start_ms):
        _forget_ids(delivery)
        if order.wrong_clocks:
            _set_clock(delivery)
        while chance.random() < order.bad_share:  # so that this is their share of all records
            if delivery.events > 1 and chance.random() < 0.5:
                yield _with_a_bad_event(delivery)
            else:
                yield _bad(chance, delivery.session_id.encode(), delivery.sent_at_ms)
        yield _parcel(delivery, delivery.message, "none")


def _parcel(delivery: Delivery, message: dict[str, Any], badness: str) -> Parcel:
    value = json.dumps(message, separators=(",", ":")).encode()
    return Parcel(delivery.is_replay, delivery.session_id.encode(), value, delivery.sent_at_ms, badness)


def _bad(chance: Random, key: bytes, sent_at_ms: int) -> Parcel:
    """Return a record that nobody can accept, in one of the ways that there are."""
    click = {"session_id": "0c6f4f5e-8f6c-4d7e-9a59-2f6b3c1d2e3f", "event_type": "click", "timestamp": sent_at_ms}
    values = (
        b"",
        b"\xff\xfe\x00",
        b'{"session_id":',
        b"[1, 2]",
        b"[" * 5_000,
        json.dumps({**click, "session_id": "me"}).encode(),
        json.dumps({**click, "x": 2**31}).encode(),
        json.dumps({**click, "timestamp": sent_at_ms * 1000}).encode(),
        json.dumps({**click, "event_type": "api_call", "latency_ms": 1, "status_code": 200}).encode(),
    )
    return Parcel(chance.random() < 0.2, key, chance.choice(values), sent_at_ms, "all")


def _with_a_bad_event(delivery: Delivery) -> Parcel:
    """Return the batch once more with one bad event in its middle: duplicates around something to refuse."""
    message = deepcopy(delivery.message)
    message["events"].insert(1, {"event_type": "click", "timestamp": "yesterday"})
    return _parcel(delivery, message, "one")


def _forget_ids(delivery: Delivery) -> None:
    """Take the events' ids from every other session: nothing but the ledger tells whether those were written."""
    if int(delivery.session_id[:8], 16) % 2:
        for each in (delivery.message, *delivery.message.get("events", ())):
            each.pop("event_uuid", None)


def _set_clock(delivery: Delivery) -> None:
    """Set the clock of one client in three ten years forward or back, for all that it says."""
    shift_ms = {0: TEN_YEARS_MS, 1: -TEN_YEARS_MS}.get(int(delivery.session_id[:8], 16) % 6, 0)
    message = delivery.message
    for each in (message, *message.get("events", ())):
        for field in ("timestamp", "sent_at"):
            if field in each:
                each[field] += shift_ms


async def publish(log: TextIO, order: Order) -> None:
    """Publish until SIGTERM, at most so many records a second; the log has what was acknowledged."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    settings = load_settings()
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap_servers(),
        enable_idempotence=True,
        linger_ms=10,
        max_batch_size=MOST_WAITING_BYTES,
        request_timeout_ms=BROKER_PATIENCE_MS,
    )
    await producer.start()
    began = time.monotonic()
    for number, parcel in enumerate(parcels(order)):
        due = began + (number - order.bad_in_a_row - order.at_once) / order.records_per_s
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        if stopped.is_set():
            break
        topic = settings.replay_topic if parcel.is_replay else settings.events_topic
        future = await producer.send(topic, parcel.value, parcel.key, timestamp_ms=parcel.sent_at_ms)
        future.add_done_callback(partial(_note, log, sha256(parcel.value).hexdigest(), parcel.badness))
    await producer.stop()


def _note(log: TextIO, digest: str, badness: str, sent: "asyncio.Future[RecordMetadata]") -> None:
    place = sent.result()
    log.write(f"{place.topic} {place.partition} {place.offset} {digest} {badness}\n")


if __name__ == "__main__":
    with Path(sys.argv[1]).open("w") as log:
        asyncio.run(publish(log, Order(**json.loads(sys.argv[2]))))
