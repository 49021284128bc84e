"""Freshness: at a steady rate, how soon events are in their table, and rage clicks in theirs after the third click.

The time runs from just before an event, or a third click, is handed to the producer, so that its linger and the append
count, until a reader of the table has the row.
"""

import asyncio
import threading
import time
from collections.abc import Iterator, Set
from heapq import merge
from statistics import quantiles
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from aiokafka import AIOKafkaProducer

from benchmarks.loads import message, pointed
from benchmarks.measuring import Control, Meter, doubts
from benchmarks.rig import Figures, Rig, Servers, say

SESSIONS_AT_ONCE = 2_000
"""So that at 2 000 events/s each of them sends one a second."""

RAGES_PER_S = 3
CLICK_GAP_S = 0.12
"""Three clicks take 0.24 s: well within the rule's one second."""

TICK_S = 0.005
"""The publisher sleeps at least this long, then sends what is due: sleeping for each event alone would cost more CPU
than sending it."""

LINGER_MS = 5
"""How long the producer waits for more to send."""

POLL_S = 0.02
LAST_ROWS_S = 15.0
"""How long rows are waited for after the last event."""

MOST_BEHIND_S = 0.25
"""A publisher further than this behind its schedule did not send steadily."""

LINES = {
    "rate": ("events/s asked for", 0),
    "achieved_rate": ("events/s published", 0),
    "most_behind_s": ("publisher behind its schedule, at most: s", 3),
    "events": ("events found", 0),
    "event_p50_s": ("event to row, p50: s", 3),
    "event_p95_s": ("event to row, p95: s", 3),
    "event_p99_s": ("event to row, p99: s", 3),
    "event_max_s": ("event to row, max: s", 3),
    "expected": ("rage clicks made", 0),
    "found": ("rage clicks found", 0),
    "wrong": ("rows that should not be there, or not so", 0),
    "rage_p50_s": ("third click to row, p50: s", 3),
    "rage_p95_s": ("third click to row, p95: s", 3),
    "rage_p99_s": ("third click to row, p99: s", 3),
    "rage_max_s": ("third click to row, max: s", 3),
    "flushes_per_s": ("worker: flushes/s", 2),
    "flush_s": ("worker: a flush, mean: s", 3),
    "worker_cpu_share": ("worker: share of one processor", 2),
    "control_before_s": ("control loop before: CPU s", 3),
    "control_after_s": ("control loop after: CPU s", 3),
    "others_share": ("others' share of the machine", 2),
}
"""Every figure, how the table calls it, and its decimals."""


class _Planned(NamedTuple):
    """An event to be sent ``due_s`` after the beginning; ``rage`` is its session where it makes a rage click."""

    due_s: float
    event: dict[str, Any]
    rage: UUID | None = None


class _Sent(NamedTuple):
    """What the publisher did: events, seconds, its worst delay, and when each rage click was made (Unix time)."""

    events: int
    wall_s: float
    most_behind_s: float
    made_at: dict[UUID, float]


def measure(rate: int, seconds: float, servers: Servers) -> tuple[Figures, list[str]]:
    """Publish ``rate`` events/s for ``seconds``; return the figures, and why they are not to be believed."""
    rig = Rig.prepare(f"fresh-{rate}", servers)
    before = Control.run()
    with rig.worker() as worker, _Watch(rig.database_url) as watch:
        say(f"freshness: {rate} events/s for {seconds:g} s")
        meter = Meter({**servers.pids, "worker": worker.pid})
        sent = asyncio.run(_publish(rig, _plan(rate, seconds)))
        spent = meter.read()
        watch.wait_for(sent.events, sent.made_at.keys(), LAST_ROWS_S)
        worker.wait_until_written(sent.events)
        flushes = worker.metric("hxi_flush_seconds_count")
        flushing_s = worker.metric("hxi_flush_seconds_sum")
    after = Control.run()
    figures: Figures = {
        "rate": rate,
        "achieved_rate": sent.events / sent.wall_s,
        "most_behind_s": sent.most_behind_s,
        "wrong": _wrong(rig.database_url, sent.made_at),
        "flushes_per_s": flushes / spent.wall_s,
        "flush_s": flushing_s / max(1.0, flushes),
        "worker_cpu_share": spent.cpu_s["worker"] / spent.wall_s,
        "control_before_s": before.cpu_s,
        "control_after_s": after.cpu_s,
        "others_share": spent.others_share,
    }
    delays = [watch.seen_at[session] - at for session, at in sent.made_at.items() if session in watch.seen_at]
    figures |= {"expected": len(sent.made_at), "found": len(delays), "events": len(watch.delays)}
    figures |= _percentiles("rage", delays) | _percentiles("event", watch.delays)
    return figures, doubts(before, after, spent.others_share) + _unsteady(sent, rate)


def _plan(rate: int, seconds: float) -> Iterator[_Planned]:
    """Yield all events by when they are due."""
    rages = int(seconds * RAGES_PER_S)
    others = max(1, rate - 3 * RAGES_PER_S)
    return merge(_background(others, seconds), _rages(rages), key=lambda planned: planned.due_s)


def _background(rate: int, seconds: float) -> Iterator[_Planned]:
    """Yield moves, and one click in four, of sessions that take turns; never two near each other."""
    for number in range(int(rate * seconds)):
        nth, session = divmod(number, SESSIONS_AT_ONCE)
        kind = "mouse_move" if (session + nth) % 4 else "click"
        session_id = UUID(int=0xBAC6_0000_0000_4000_8000_0000_0000_0000 + session)
        yield _Planned(number / rate, pointed(session_id, number, kind, str(session % 500), number))


def _rages(rages: int) -> Iterator[_Planned]:
    """Yield three clicks on one spot, each time of a session that is new to the worker."""
    for nth in range(rages):
        session_id = UUID(int=0x7A6E_0000_0000_4000_8000_0000_0000_0000 + nth)
        for click in range(3):
            event = pointed(session_id, 10**9 + nth * 3 + click, "click", str(nth % 500), nth)
            due_s = nth / RAGES_PER_S + click * CLICK_GAP_S
            yield _Planned(due_s, event, session_id if click == 2 else None)


async def _publish(rig: Rig, plan: Iterator[_Planned]) -> _Sent:
    """Send each event when it is due, dated by the clock.

    By aiokafka: kafka-python's producer, which ``hxi publish`` has, takes most of a processor at 5 000 events/s.
    """
    made_at: dict[UUID, float] = {}
    events, most_behind = 0, 0.0
    async with AIOKafkaProducer(bootstrap_servers=rig.servers.bootstrap, acks="all", linger_ms=LINGER_MS) as producer:
        began = time.monotonic()
        for due_s, event, rage in plan:
            ahead = began + due_s - time.monotonic()
            if ahead > 0:
                await asyncio.sleep(max(ahead, TICK_S))
            most_behind = max(most_behind, time.monotonic() - began - due_s)
            now = time.time()
            if rage is not None:
                made_at[rage] = now
            event["timestamp"] = int(now * 1000)
            key, value, _ = message(event)
            await producer.send(rig.events_topic, value, key=key)
            events += 1
        await producer.flush()
    return _Sent(events, time.monotonic() - began, most_behind, made_at)


class _Watch(threading.Thread):
    """Polls the tables: how old each event was when its row could be seen, and when each session's first rage click."""

    def __init__(self, url: str) -> None:
        super().__init__(name="watch", daemon=True)
        self._url = url
        self._over = threading.Event()
        self.delays: list[float] = []
        self.seen_at: dict[UUID, float] = {}

    def __enter__(self) -> "_Watch":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        """Look until told to end; ids come in the order of commits, since one worker writes them."""
        last_event = last_rage = 0
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._over.wait(POLL_S):
                events = connection.execute(_NEW_EVENTS, [last_event]).fetchall()
                now = time.time()
                for last_event, made_at in events:  # noqa: B007
                    self.delays.append(now - made_at)
                rages = connection.execute(_NEW_RAGES, [last_rage]).fetchall()
                now = time.time()
                for last_rage, session_id in rages:  # noqa: B007
                    self.seen_at.setdefault(session_id, now)

    def wait_for(self, events: int, sessions: Set[UUID], patience_s: float) -> None:
        """Wait until as many ``events`` and all ``sessions`` were seen, or for ``patience_s``."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline and (len(self.delays) < events or not sessions <= self.seen_at.keys()):
            time.sleep(POLL_S)


_NEW_EVENTS = "SELECT event_id, extract(epoch FROM timestamp)::float8 FROM events WHERE event_id > %s ORDER BY event_id"
_NEW_RAGES = "SELECT id, session_id FROM rage_click_events WHERE id > %s ORDER BY id"


def _wrong(url: str, made_at: dict[UUID, float]) -> int:
    """Count rows of sessions without a rage click, second rows of one, and rows of other than three clicks."""
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT session_id, click_count FROM rage_click_events").fetchall()
    right = {session_id for session_id, clicks in rows if clicks == 3 and session_id in made_at}
    return len(rows) - len(right)


def _percentiles(name: str, delays: list[float]) -> Figures:
    if len(delays) < 2:
        return {}
    cuts = quantiles(delays, n=100, method="inclusive")
    found: Figures = {f"{name}_p{nth}_s": cuts[nth - 1] for nth in (50, 95, 99)}
    return found | {f"{name}_max_s": max(delays)}


def _unsteady(sent: _Sent, rate: int) -> list[str]:
    found = []
    if abs(sent.events / sent.wall_s / rate - 1) > 0.02:
        found.append(f"{sent.events / sent.wall_s:.0f} events/s were published, not {rate}")
    if sent.most_behind_s > MOST_BEHIND_S:
        found.append(f"the publisher was up to {sent.most_behind_s:.2f} s behind its schedule")
    return found
