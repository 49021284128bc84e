"""What happened in a campaign: every fault with its time, what proves that it fired, and how long recovery took.

``python -m tests.faults.log FILE…`` prints the table of one run or of several together.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable
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


def table(faults: Iterable[Fault]) -> list[str]:
    """Return a Markdown table, a line per name of a fault."""
    by_name = defaultdict(list)
    for fault in faults:
        by_name[fault.kind, fault.name].append(fault)
    lines = ["| fault | fired | lasted, median s | recovery, median s | worst s |", "|---|---|---|---|---|"]
    for (kind, name), alike in sorted(by_name.items()):
        lasted, recovery = [fault.lasted_s for fault in alike], [fault.recovery_s for fault in alike]
        times = f"{median(lasted):.1f} | {median(recovery):.1f} | {max(recovery):.1f}"
        lines.append(f"| {kind}: {name} | {len(alike)} | {times} |")
    return lines


def now() -> str:
    """Return the time of day, in UTC, to the millisecond."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


if __name__ == "__main__":
    lines = (line for file in sys.argv[1:] for line in Path(file).read_text().splitlines())
    print("\n".join(table(Fault(**json.loads(line)) for line in lines)))
