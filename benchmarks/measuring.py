"""Processor time and memory of processes, and whether the machine was quiet enough to believe them."""

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import psutil

CONTROL_STEPS = 3_000_000
"""About 0.2 s of pure Python."""

MOST_OTHERS = 0.15
"""Share of the machine that others may use; beyond it, shared caches and clocks move the figures."""

MOST_DRIFT = 0.1
"""What the control loop may take longer after a run than before it."""


def cpu_s(pid: int) -> float:
    """Return the CPU seconds, user and system, of a process and of all its descendants so far."""
    process = psutil.Process(pid)
    total = 0.0
    for one in [process, *process.children(recursive=True)]:
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def peak_mib(pid: int) -> float | None:
    """Return the most memory that a process ever held, where the system tells (Linux)."""
    status = Path(f"/proc/{pid}/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) / 1024 if found else None


def machine_s() -> float:
    """Return the CPU seconds that the whole machine has been busy."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0) - getattr(times, "guest", 0))


class Spent(NamedTuple):
    """What a stretch of time took: of the clock, of CPU by process, and the machine's share that went to others."""

    wall_s: float
    cpu_s: dict[str, float]
    others_share: float


class Meter:
    """Counts from its making on what processes, named by ``pids``, spend."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = pids
        self._began, self._machine, self._own = time.monotonic(), machine_s(), time.process_time()
        self._used = {name: cpu_s(pid) for name, pid in pids.items()}

    def read(self) -> Spent:
        """Return what has been spent so far; this process's own share is not said to be that of others."""
        wall = time.monotonic() - self._began
        spent = {name: cpu_s(pid) - self._used[name] for name, pid in self._pids.items()}
        own = time.process_time() - self._own
        others = machine_s() - self._machine - sum(spent.values()) - own
        return Spent(wall, spent, max(0.0, others) / wall / (psutil.cpu_count() or 1))


class Control(NamedTuple):
    """A fixed loop's time: its CPU seconds, and the seconds on the clock."""

    cpu_s: float
    wall_s: float

    @classmethod
    def run(cls) -> "Control":
        """Time the loop; the same on a quiet machine whenever it is run."""
        cpu, wall = time.process_time(), time.monotonic()
        total = 0
        for step in range(CONTROL_STEPS):
            total += step & 7
        return cls(time.process_time() - cpu, time.monotonic() - wall)


def doubts(before: Control, after: Control, others: float) -> list[str]:
    """Return why a run's figures are not to be believed, nothing where they are.

    ``others`` is the share of the machine that processes outside of the benchmark took.
    """
    found = []
    drift = abs(after.cpu_s / before.cpu_s - 1)
    waited = max(control.wall_s / control.cpu_s - 1 for control in (before, after))
    if drift > MOST_DRIFT:
        found.append(f"the control loop took {before.cpu_s:.3f} s of CPU before and {after.cpu_s:.3f} s after")
    if waited > MOST_DRIFT:
        found.append(f"the control loop waited for a processor {waited:.0%} of its time")
    if others > MOST_OTHERS:
        found.append(f"other processes used {others:.0%} of the machine")
    return found
