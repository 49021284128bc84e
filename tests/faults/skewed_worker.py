"""A worker whose wall clock is wrong: ``python -m tests.faults.skewed_worker OFFSET_S [JUMP_S...]``.

The clock is off by the offset from the start on, and at each SIGHUP by one jump more. Monotonic time stays true.
"""

import signal
import sys
import time
from queue import SimpleQueue
from threading import Thread

import time_machine

from agents.cli import main


def jump(clock: time_machine.Traveller, jumps: list[float], due: "SimpleQueue[int]") -> None:
    """Set the clock forward or back by the next of the jumps each time that one is due."""
    for by_s in jumps:
        due.get()
        clock.shift(by_s)
        tell()


def tell() -> None:
    """Say how wrong the clock is."""
    off_s = time.time() - time_machine.escape_hatch.time.time()
    print(f"the clock is off by {round(off_s)} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    offset_s, *jumps_s = map(float, sys.argv[1:])
    due: "SimpleQueue[int]" = SimpleQueue()
    signal.signal(signal.SIGHUP, lambda number, _: due.put(number))
    with time_machine.travel(time.time() + offset_s, tick=True) as clock:
        tell()
        Thread(target=jump, args=(clock, jumps_s, due), daemon=True).start()
        sys.argv[1:] = ["worker"]
        main()
