"""What happened in a campaign: every fault with its time, what proves that it fired, and how long recovery took."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Fault:
    """One fault; ``recovery_s`` is from its end, of a kill from the kill, until all that was published is settled."""

    campaign: str
    kind: str
    name: str
    at: str
    lasted_s: float
    recovery_s: float
    proof: str


class FaultLog:
    """The faults of one test run, in a file as soon as each is over."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Note a fault."""
        self.faults.append(fault)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a") as lines:
            lines.write(json.dumps(asdict(fault)) + "\n")

    def table(self) -> list[str]:
        """Return a Markdown table, a line per name of a fault."""
        lines = ["| fault | fired | recovery, median s | worst s |", "|---|---|---|---|"]
        for kind, name in sorted({(fault.kind, fault.name) for fault in self.faults}):
            times = [fault.recovery_s for fault in self.faults if (fault.kind, fault.name) == (kind, name)]
            lines.append(f"| {kind}: {name} | {len(times)} | {median(times):.1f} | {max(times):.1f} |")
        return lines


def now() -> str:
    """Return the time of day, in UTC, to the millisecond."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
