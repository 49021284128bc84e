"""Visits to the simulated shop, written into a database as a worker writes them, without a broker."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import UUID

from pipeline.fold import FoldPolicy
from pipeline.simulation import Delivery, Traffic, simulate
from pipeline.sinks.postgres import PostgresSink
from tests.builders import TOPICS, Owner, decoded
from tests.handmade import ROBOT

BOT_EVERY = 33
"""One of so many sessions is said to be a bot's."""

_FLUSH_RECORDS = 2_000


def visits(events: int, begin: datetime) -> Iterator[Delivery]:
    """Yield what visitors send from ``begin`` (UTC) on; some of them are bots and say so."""
    start_ms = int(begin.replace(tzinfo=UTC).timestamp() * 1000)
    for delivery in simulate(Traffic(), events=events, seed=7, start_ms=start_ms):
        if UUID(delivery.session_id).int % BOT_EVERY == 0 and "user_agent" in delivery.message:
            delivery.message["user_agent"] = ROBOT
        yield delivery


async def write(url: str, deliveries: Iterator[Delivery]) -> None:
    """Write ``deliveries``, end their sessions and judge them."""
    sink = PostgresSink(url, "visits", FoldPolicy())
    try:
        owner, offset = await Owner.of(sink), 0
        known: set[tuple[Any, ...]] = set()
        while batch := list(islice(deliveries, _FLUSH_RECORDS)):
            kept = [item for nth, delivery in enumerate(batch, offset) for item in decoded(delivery, nth)]
            new = {_key(item): item for item in kept if _key(item) not in known}
            known |= new.keys()
            await owner.write(*new.values(), arrival_us=batch[-1].sent_at_ms * 1000)
            offset += len(batch)
        await sink.end_quiet_sessions(1, TOPICS[:1])
        while await sink.judge(1_000):
            pass
    finally:
        await sink.close()


def _key(item: Any) -> tuple[Any, ...]:
    """Return what two deliveries of one thing share."""
    return item.session_id, getattr(item, "event_uuid", None) or getattr(item, "chunk_index", item.place)
