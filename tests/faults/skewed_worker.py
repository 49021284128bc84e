"""A worker whose wall clock is wrong: ``python -m tests.faults.skewed_worker OFFSET_S [JUMP_S...]``.

The clock is off by the offset from the start on, and every two seconds by one jump more. Monotonic time stays true.
"""

import sys
import time
from threading import Thread

import time_machine

from agents.cli import main

BETWEEN_JUMPS_S = 2.0


def jump(clock: time_machine.Traveller, jumps: list[float]) -> None:
    """Set the clock forward or back by each of the jumps, one after another."""
    for by_s in jumps:
        time.sleep(BETWEEN_JUMPS_S)
        clock.shift(by_s)
        tell()


def tell() -> None:
    """Say how wrong the clock is."""
    off_s = time.time() - time_machine.escape_hatch.time.time()
    print(f"the clock is off by {round(off_s)} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    offset_s, *jumps_s = map(float, sys.argv[1:])
    with time_machine.travel(time.time() + offset_s, tick=True) as clock:
        tell()
        Thread(target=jump, args=(clock, jumps_s), daemon=True).start()
        sys.argv[1:] = ["worker"]
        main()
