"""Sizes: what an event of the mix leaves behind in PostgreSQL, table by table with its indexes, and in Kafka.

The tables are filled by the sink itself, in flushes and with judging in between, without a broker.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any

import psycopg

from agents.commands.generate import dumps
from benchmarks.loads import BEGAN_MS
from benchmarks.rig import Figures, Rig, Servers, say
from pipeline.fold import FoldPolicy
from pipeline.simulation import Delivery, Traffic, simulate
from pipeline.sinks.postgres import PostgresSink
from tests.builders import TOPICS, Owner, decoded
from tests.deployment import TABLES

FLUSH_RECORDS = 1_000
"""With as many a flush is due at once, whatever the interval."""

JUDGED_EVERY = 10
"""Flushes; a session under way is judged several times, as by a worker."""

LINES = {
    "events": ("events", 0),
    "events_per_session": ("events per session", 1),
    "record_bytes": ("Kafka: bytes of JSON per event", 0),
    "replay_bytes": ("Kafka: bytes of replay chunks per event", 0),
    "wal_bytes": ("PostgreSQL: WAL bytes per event", 0),
} | {
    f"{table}_{what}": (f"{table}: {what} per event", decimals)
    for table in (*TABLES, "latency_windows")
    for what, decimals in (("rows", 3), ("bytes", 1))
}
"""Every figure, how the table calls it, and its decimals."""


def measure(events: int, servers: Servers) -> Figures:
    """Return what ``events`` of the mix, with replays, leave behind."""
    rig = Rig.prepare("sizes", servers)
    say(f"sizes: writing {events} events")
    sent = {"record_bytes": 0, "replay_bytes": 0}
    with psycopg.connect(rig.database_url, autocommit=True) as connection:
        ((began,),) = connection.execute("SELECT pg_current_wal_lsn()").fetchall()
        asyncio.run(_fill(rig.database_url, _counted(events, sent)))
        ((wal,),) = connection.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), %s)", [began]).fetchall()
        figures = _figures(connection, events) | {"wal_bytes": float(wal) / events}
    return figures | {name: size / events for name, size in sent.items()}


def _counted(events: int, sent: dict[str, int]) -> Iterator[Delivery]:
    for delivery in simulate(Traffic(replay=True), events=events, seed=7, start_ms=BEGAN_MS):
        sent["replay_bytes" if delivery.is_replay else "record_bytes"] += len(dumps(delivery).encode())
        yield delivery


async def _fill(url: str, deliveries: Iterator[Delivery]) -> None:
    async with _sink(url) as sink:
        owner, offset = await Owner.of(sink), 0
        known: set[tuple[Any, ...]] = set()
        while batch := list(islice(deliveries, FLUSH_RECORDS)):
            kept = [item for nth, delivery in enumerate(batch, offset) for item in decoded(delivery, nth)]
            new = {_key(item): item for item in kept if _key(item) not in known}
            known |= new.keys()
            await owner.write(*new.values(), arrival_us=batch[-1].sent_at_ms * 1000)
            offset += len(batch)
            if offset // FLUSH_RECORDS % JUDGED_EVERY == 0:
                await sink.judge(100_000)
        await sink.end_quiet_sessions(1, TOPICS[:1])
        await sink.judge(100_000)


@asynccontextmanager
async def _sink(url: str) -> AsyncIterator[PostgresSink]:
    sink = PostgresSink(url, "sizes", FoldPolicy())
    try:
        yield sink
    finally:
        await sink.close()


def _key(item: Any) -> tuple[Any, ...]:
    """Return what two deliveries of one thing share."""
    return item.session_id, getattr(item, "event_uuid", None) or getattr(item, "chunk_index", item.place)


def _figures(connection: psycopg.Connection[Any], events: int) -> Figures:
    figures: Figures = {"events": events}
    for table in (*TABLES, "latency_windows"):
        name = f"hxi_state.{table}" if table == "latency_windows" else table
        asked = f"SELECT count(*), pg_total_relation_size('{name}') FROM {name}"
        ((rows, size),) = connection.execute(asked.encode())
        figures |= {f"{table}_rows": rows / events, f"{table}_bytes": size / events}
    figures["events_per_session"] = 1 / (figures["sessions_rows"] or 1)
    return figures
