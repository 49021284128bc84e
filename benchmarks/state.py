"""State: the memory of a worker over simulated hours in which equally many sessions are active all the time.

Records carry the simulated time as their event time and as their Kafka timestamp, and are read as fast as can be: what
the worker holds should depend on how many sessions are active, not on for how long it has run.
"""

import gc
import time
import tracemalloc
from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import psutil

from agents.intake import MOST_IDS
from benchmarks.loads import Message, message
from benchmarks.measuring import cpu_s
from benchmarks.rig import Figures, Rig, Servers, Worker, say
from pipeline.dedup import SeenIds
from pipeline.limits import Limits
from schema.fields import US_PER_S
from schema.rows import KeptEvent, Partition, Place

SESSION_S = 600
EVENTS_PER_SESSION = 60
TURN_S = SESSION_S // EVENTS_PER_SESSION
"""Each active session sends one event per turn."""

SLICE_MINUTES = 10
LATENESS_S = 3600.0
"""The default of ``HXI_ALLOWED_LATENESS_S``."""

ALONE = 5
"""Times as many active sessions when ``SeenIds`` is measured alone."""

BATCH = 500
"""Events taken in at a time when ``SeenIds`` is measured alone."""

_KINDS = ("page_view", "mouse_move", "click", "mouse_move", "scroll", "api_call")

SLICE_LINES = {
    "events": ("events", 0),
    "rss_mib": ("worker: memory (RSS), MiB", 1),
    "held": ("ids and sessions held", 0),
    "cpu_us": ("worker: CPU µs per event", 1),
}
"""Every figure of a slice, how the table calls it, and its decimals."""

LINES = {
    "sessions": ("sessions active at once", 0),
    "growth_percent": ("growth of memory, hour 1 to hour 3: %", 1),
    "held_growth_percent": ("growth of ids and sessions, likewise: %", 1),
    "bytes_per_session": ("SeenIds alone: bytes per active session", 0),
}
"""Every figure of the whole, how the table calls it, and its decimals."""


class State(NamedTuple):
    """What was found: figures by simulated minutes, and of the whole."""

    slices: dict[int, Figures]
    figures: Figures


def measure(sessions: int, hours: float, servers: Servers) -> State:
    """Run a worker through ``hours`` with ``sessions`` active at once; measure ``SeenIds`` alone as well."""
    rig = Rig.prepare("state", servers)
    slices = _run(rig, sessions, hours)
    say(f"state: SeenIds alone, {ALONE * sessions} sessions")
    figures: Figures = {"sessions": sessions, "bytes_per_session": bytes_per_session(ALONE * sessions)}
    if 180 in slices:
        for name, figure in (("growth_percent", "rss_mib"), ("held_growth_percent", "held")):
            figures[name] = ((slices[180][figure] or 0) / (slices[60][figure] or 1) - 1) * 100
    return State(slices, figures)


def bytes_per_session(sessions: int) -> float:
    """Return what ``SeenIds`` holds per active session whose events were all taken in as the intake does it.

    Traced allocations of everything that is left, session ids included; tracing makes it some ten times slower.
    """
    random = Random(7)
    lateness_us = int(LATENESS_S * US_PER_S)
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    seen = SeenIds(LATENESS_S, MOST_IDS, Limits())
    ids = [_uuid(random) for _ in range(sessions)]
    numbers = range(sessions * EVENTS_PER_SESSION)
    for first in numbers[::BATCH]:
        take(seen, [_kept(ids, number, lateness_us, random) for number in numbers[first : first + BATCH]])
    del ids
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / sessions


def _run(rig: Rig, sessions: int, hours: float) -> dict[int, Figures]:
    """Return figures from before the first event, and after each slice."""
    start_ms = int((time.time() - (hours + 1) * 3600) * 1000)
    traffic = _traffic(sessions, start_ms)
    per_slice = sessions * SLICE_MINUTES * 60 // TURN_S
    with rig.worker() as worker:
        slices = {0: _slice(worker, 0, 0.0)}
        for nth in range(1, round(hours * 60 / SLICE_MINUTES) + 1):
            used, events, minutes = cpu_s(worker.pid), nth * per_slice, nth * SLICE_MINUTES
            rig.publish(islice(traffic, per_slice))
            worker.wait_until_written(events)
            worker.wait_until_counted(events)
            slices[minutes] = _slice(worker, events, (cpu_s(worker.pid) - used) / per_slice * 1e6)
            say(f"state: {minutes} of {hours * 60:g} simulated minutes, {slices[minutes]['rss_mib']:.0f} MiB")
    return slices


def _slice(worker: Worker, events: int, cpu_us: float) -> Figures:
    return {
        "events": events,
        "rss_mib": psutil.Process(worker.pid).memory_info().rss / 2**20,
        "held": worker.metric("hxi_seen_ids"),
        "cpu_us": cpu_us,
    }


def _traffic(sessions: int, start_ms: int) -> Iterator[Message]:
    """Yield records without end: every session sends once a turn; each turn some end, and as many new ones begin."""
    random = Random(7)
    ids = [str(_uuid(random)) for _ in range(sessions)]
    turn = 0
    while True:
        for slot in range(sessions):
            nth = (turn + slot * EVENTS_PER_SESSION // sessions) % EVENTS_PER_SESSION
            if nth == 0:
                ids[slot] = str(_uuid(random))
            at_ms = start_ms + turn * TURN_S * 1000 + slot * TURN_S * 1000 // sessions
            yield message(_event(ids[slot], str(_uuid(random)), slot, nth, at_ms), at_ms)
        turn += 1


def _event(session_id: str, event_uuid: str, slot: int, nth: int, at_ms: int) -> dict[str, Any]:
    kind = _KINDS[nth % len(_KINDS)]
    event = {
        "session_id": session_id,
        "event_uuid": event_uuid,
        "event_type": kind,
        "timestamp": at_ms,
        "page_url": f"https://shop.example/products/{(slot + nth // len(_KINDS)) % 500}",
        "x": nth * 317 % 1280,
        "y": nth * 171 % 4000,
        "viewport_width": 1280,
        "viewport_height": 720,
    }
    if kind == "scroll":
        event["scroll_position"] = nth * 100
    if kind == "api_call":
        event |= {"api_endpoint": f"/products/{slot % 500}", "latency_ms": 20 + nth, "status_code": 200}
    return event


def take(seen: SeenIds, batch: list[KeptEvent]) -> None:
    """Do what ``Intake.take`` does with a batch of events, and ``Owned`` once they are written."""
    if strangers := seen.strangers(batch):
        seen.learn(strangers, {})
    known = seen.late(batch)
    seen.admit(batch, known)
    seen.flushed(batch[-1].place.offset + 1)


def _kept(ids: list[UUID], number: int, lateness_us: int, random: Random) -> KeptEvent:
    """Return an event of sessions that take turns, all of them on the way through one window of the lateness."""
    turn, slot = divmod(number, len(ids))
    time_us = 500_000 * lateness_us + turn * TURN_S * US_PER_S
    return KeptEvent(Place(_PARTITION, number), time_us, time_us, time_us, ids[slot], "click", _uuid(random))


_PARTITION = Partition("ui-events", 0)


def _uuid(random: Random) -> UUID:
    return UUID(int=random.getrandbits(128), version=4)
