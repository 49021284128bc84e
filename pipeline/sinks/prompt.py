"""Waits for a server that is about to answer, before others may run.

A flush is some thirty short statements, one after the other. PostgreSQL answers most of them within a millisecond, and
then stood idle until whoever had been let run meanwhile, decoding for 5 to 10 ms, let go.
"""

import select
from typing import TypeVar

from psycopg.abc import PQGen
from psycopg.waiting import Ready, Wait

T = TypeVar("T")

SOON_MS = 1.0
"""How long nobody else may run, for each answer: longer work is waited for beside others."""


def promptly(steps: PQGen[T], fileno: int) -> PQGen[T]:
    """Return ``steps`` of psycopg on the socket ``fileno``, asking to be waited for only where no answer comes soon."""
    socket = select.poll()
    socket.register(fileno, select.POLLIN)
    try:
        wanted = next(steps)
        while True:
            is_there = wanted == Wait.R and socket.poll(SOON_MS)
            wanted = steps.send(Ready.R if is_there else (yield wanted))
    except StopIteration as done:
        result: T = done.value
        return result
