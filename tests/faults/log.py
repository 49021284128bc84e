"""What happened in a campaign: every fault with its time, what proves that it fired, and how long recovery took.

``python -m tests.faults.log FILE…`` prints the table of one run or of several together.
"""

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from tests.deployment import REPOSITORY


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        campaign: The name of the test.
        kind: What is struck, or how.
        name: The fault's own name.
        at: When it began.
        lasted_s: From then until the disturbance was over: the last kill done, the server back, the network mended,
            the sleeper woken. Faults in a row have this in common.
        recovery_s: From then until something published later was settled, and all that was published before.
            None where others followed before anything had to recover: the last of them has it.
        proof: What proves that it fired.
    """

    campaign: str
    kind: str
    name: str
    at: str
    lasted_s: float
    recovery_s: float | None
    proof: str


class FaultLog:
    """The faults of one test run, in a file as soon as each is over."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def add(self, fault: Fault) -> None:
        """Note a fault."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a") as lines:
            lines.write(json.dumps(asdict(fault)) + "\n")

    def faults(self) -> list[Fault]:
        """Return the faults so far, of all processes that note theirs here."""
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        return [Fault(**json.loads(line)) for line in lines]


SEED = int(os.environ.get("HXI_TEST_FAULT_SEED", "1"))
LOG = FaultLog(
    Path(
        os.environ.setdefault(  # which other processes of this run inherit
            "HXI_TEST_FAULT_LOG",
            str(REPOSITORY / ".hxi" / "faults" / f"{time.strftime('%Y%m%dT%H%M%S')}-seed-{SEED}.jsonl"),
        )
    )
)
"""Of this run, also where it runs in several processes."""


def table(faults: Iterable[Fault]) -> list[str]:
    """Return a Markdown table, a line per name of a fault."""
    by_name = defaultdict(list)
    for fault in faults:
        by_name[fault.kind, fault.name].append(fault)
    lines = ["| fault | fired | lasted, median s | recovery, median s | worst s |", "|---|---|---|---|---|"]
    for (kind, name), alike in sorted(by_name.items()):
        lasted = [fault.lasted_s for fault in alike]
        recovery = [fault.recovery_s for fault in alike if fault.recovery_s is not None]
        recovered = f"{median(recovery):.1f} | {max(recovery):.1f}" if recovery else "none | none"
        lines.append(f"| {kind}: {name} | {len(alike)} | {median(lasted):.1f} | {recovered} |")
    return lines


def now() -> str:
    """Return the time of day, in UTC, to the millisecond."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


if __name__ == "__main__":
    print("\n".join(table(fault for file in sys.argv[1:] for fault in FaultLog(Path(file)).faults())))
