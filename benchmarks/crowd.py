"""Crowd: very many sessions active at once; what they take in memory, and what a SIGKILL costs.

Sessions take turns. The worker is killed and another started at once, which has seen nobody: when all sessions go on,
it asks the tables about each.
"""

import os
import signal
import time
from collections.abc import Iterator
from uuid import UUID

from kafka.admin import KafkaAdminClient

from benchmarks.loads import BEGAN_MS, Message, message, pointed
from benchmarks.measuring import Meter, peak_mib
from benchmarks.rig import Figures, Rig, Servers, say

TURNS = 10
"""Events that each session has sent when the worker is killed."""

LINES = {
    "sessions": ("sessions active at once", 0),
    "events": ("events before the kill", 0),
    "events_per_s": ("worker: events/s", 0),
    "peak_mib": ("worker: peak memory, MiB", 0),
    "back_s": ("SIGKILL to its successor reading: s", 1),
    "successor_peak_mib": ("successor: peak memory, MiB", 0),
    "return_cpu_us": ("sessions unknown to it go on: CPU µs per event", 1),
    "own_topics": ("changelogs, and other topics of its own", 0),
}
"""Every figure, how the table calls it, and its decimals."""


def measure(sessions: int, servers: Servers) -> Figures:
    """Have ``sessions`` take turns, kill the worker, and see how long its successor takes."""
    rig = Rig.prepare("crowd", servers)
    say(f"crowd: {sessions} sessions, {TURNS} events each")
    records = sum(rig.publish(_turn(sessions, nth)) for nth in range(TURNS))
    with rig.worker() as worker:
        meter = Meter({})
        worker.wait_until_written(records)
        figures: Figures = {
            "sessions": sessions,
            "events": records,
            "events_per_s": records / meter.read().wall_s,
            "peak_mib": peak_mib(worker.pid),
        }
        say("crowd: SIGKILL")
        os.kill(worker.pid, signal.SIGKILL)
        killed = time.monotonic()
    with rig.worker() as worker:
        figures["back_s"] = time.monotonic() - killed
        meter = Meter({"worker": worker.pid})
        records += rig.publish(_turn(sessions, TURNS))
        worker.wait_until_written(records)
        figures["return_cpu_us"] = meter.read().cpu_s["worker"] / sessions * 1e6
        figures["successor_peak_mib"] = peak_mib(worker.pid)
    return figures | {"own_topics": _topics_of_its_own(rig)}


def _turn(sessions: int, nth: int) -> Iterator[Message]:
    """Yield one event of each session."""
    for session in range(sessions):
        number = nth * sessions + session
        session_id = UUID(int=0xC70D_0000_0000_4000_8000_0000_0000_0000 + session)
        kind = "page_view" if nth % 5 == 0 else "mouse_move" if nth % 2 else "click"
        event = pointed(session_id, number, kind, str((session + nth // 5) % 500), number)
        yield message(event | {"timestamp": BEGAN_MS + nth * 10_000 + session % 10_000})


def _topics_of_its_own(rig: Rig) -> int:
    """Count what the worker made on the broker: changelogs would be among it."""
    admin = KafkaAdminClient(bootstrap_servers=rig.servers.bootstrap)
    try:
        return len({topic for topic in admin.list_topics() if topic.startswith(rig.app_id)} - rig.topics)
    finally:
        admin.close()
