"""Neighbours: how soon events of ordinary sessions are seen, alone, and beside one session that sends all it can.

Both are in one partition. The one session sends what costs most, clicks on one spot and views of changing screens, each
dated before the last; from its first event until long after its limit of clicks and views, and ten times as much as the
others together. The clock runs from just before an event is handed to the producer until a reader has its row.
"""

import asyncio
import json
import threading
import time
from statistics import quantiles
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from aiokafka import AIOKafkaProducer

from benchmarks.loads import pointed
from benchmarks.measuring import Control, Meter, doubts
from benchmarks.rig import Figures, Rig, Servers, say

RATE = 100
"""Events/s of all ordinary sessions together."""

SESSIONS = 20
ABUSE_RATES = (1_000, 5_000)
"""Events/s of the one session, if it can."""

ABUSER = UUID(int=0xAB05_0000_0000_4000_8000_0000_0000_0000)
SPACING_MS = 5
"""Between its clicks, all of which are one burst then."""

TICK_S = 0.01
POLL_S = 0.02
LAST_ROWS_S = 120.0

LINES = {
    "abuse_rate": ("the one session: events/s", 0),
    "abuse_stored": ("stored of it", 0),
    "abuse_refused": ("refused of it", 0),
    "events": ("ordinary events found", 0),
    "p50_s": ("event to row, p50: s", 3),
    "p99_s": ("event to row, p99: s", 3),
    "max_s": ("event to row, max: s", 3),
    "p50_ratio": ("p50 / alone", 2),
    "p99_ratio": ("p99 / alone", 2),
    "flush_s": ("worker: a flush, mean: s", 3),
    "worker_cpu_share": ("worker: share of one processor", 2),
}
"""Every figure, how the table calls it, and its decimals."""


def measure(seconds: float, servers: Servers) -> tuple[dict[str, Figures], list[str]]:
    """Return the figures alone and beside each rate of abuse, and why they are not to be believed."""
    before = Control.run()
    alone, others = _measure("alone", 0, seconds, servers)
    found, shares = {"alone": alone}, [others]
    for rate in ABUSE_RATES:
        beside, others = _measure(f"beside-{rate}", rate, seconds, servers)
        beside |= {f"{name}_ratio": _ratio(beside, alone, f"{name}_s") for name in ("p50", "p99")}
        found[f"beside {rate}/s"] = beside
        shares.append(others)
    return found, doubts(before, Control.run(), max(shares))


def _measure(name: str, abuse_rate: int, seconds: float, servers: Servers) -> tuple[Figures, float]:
    rig = Rig.prepare(f"neighbours-{name}", servers)
    say(f"neighbours: {name} for {seconds:g} s")
    with rig.worker() as worker, _Watch(rig.database_url) as watch:
        meter = Meter({**servers.pids, "worker": worker.pid})
        sent = asyncio.run(_publish(rig, abuse_rate, seconds))
        spent = meter.read()
        watch.wait_for(sent.ordinary, LAST_ROWS_S)
        worker.wait_until_written(sent.ordinary + sent.abuse)
        worker.wait_until_counted(sent.ordinary + sent.abuse)
        stored = worker.metric("hxi_written_total")
        flush_s = worker.metric("hxi_flush_seconds_sum") / max(1.0, worker.metric("hxi_flush_seconds_count"))
    cuts = quantiles(watch.delays, n=100, method="inclusive")
    figures: Figures = {
        "abuse_rate": sent.abuse / sent.wall_s,
        "abuse_stored": stored - sent.ordinary,
        "abuse_refused": sent.ordinary + sent.abuse - stored,
        "events": len(watch.delays),
        "p50_s": cuts[49],
        "p99_s": cuts[98],
        "max_s": max(watch.delays),
        "flush_s": flush_s,
        "worker_cpu_share": spent.cpu_s["worker"] / spent.wall_s,
    }
    return figures, spent.others_share


def _ratio(one: Figures, other: Figures, name: str) -> float | None:
    above, below = one[name], other[name]
    return above / below if above is not None and below else None


class _Sent(NamedTuple):
    ordinary: int
    abuse: int
    wall_s: float


async def _publish(rig: Rig, abuse_rate: int, seconds: float) -> _Sent:
    """Send what is due at each tick, to one partition."""
    ordinary = abuse = 0
    async with AIOKafkaProducer(bootstrap_servers=rig.servers.bootstrap, acks="all", linger_ms=5) as producer:

        async def send(event: dict[str, Any]) -> None:
            key, value = event["session_id"].encode(), json.dumps(event, separators=(",", ":")).encode()
            await producer.send(rig.events_topic, value, key=key, partition=0)

        began = time.monotonic()
        began_ms = int(time.time() * 1000)
        while (passed := time.monotonic() - began) < seconds:
            while ordinary < passed * RATE:
                await send(_ordinary(ordinary) | {"timestamp": int(time.time() * 1000)})
                ordinary += 1
            due = int(min(passed, time.monotonic() - began) * abuse_rate)
            while abuse < due and time.monotonic() - began < passed + TICK_S:  # never so many that others wait for it
                await send(_abuse(abuse) | {"timestamp": began_ms - SPACING_MS * abuse})
                abuse += 1
            await asyncio.sleep(TICK_S)
        await producer.flush()
        return _Sent(ordinary, abuse, time.monotonic() - began)


def _ordinary(number: int) -> dict[str, Any]:
    session_id = UUID(int=0x600D_0000_0000_4000_8000_0000_0000_0000 + number % SESSIONS)
    return pointed(session_id, number, "mouse_move" if number % 4 else "click", str(number % 50), number)


def _abuse(number: int) -> dict[str, Any]:
    kind = "page_view" if number % 2 else "click"
    return pointed(ABUSER, 10**9 + number, kind, str(number % 7), 0)


class _Watch(threading.Thread):
    """Polls the table: how old each ordinary event was when its row could be seen."""

    def __init__(self, url: str) -> None:
        super().__init__(name="watch", daemon=True)
        self._url = url
        self._over = threading.Event()
        self.delays: list[float] = []

    def __enter__(self) -> "_Watch":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        """Look until told to end; ids come in the order of commits, since one worker writes them."""
        last = 0
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._over.wait(POLL_S):
                rows = connection.execute(_NEW_EVENTS, [last, ABUSER]).fetchall()
                now = time.time()
                for last, made_at in rows:  # noqa: B007
                    self.delays.append(now - made_at)

    def wait_for(self, events: int, patience_s: float) -> None:
        """Wait until so many ``events`` were seen, or for ``patience_s``."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline and len(self.delays) < events:
            time.sleep(POLL_S)


_NEW_EVENTS = """
    SELECT event_id, extract(epoch FROM timestamp)::float8 FROM events
    WHERE event_id > %s AND session_id <> %s ORDER BY event_id
"""
