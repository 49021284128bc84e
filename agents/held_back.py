"""What transactions left open hold back: records that the broker has and hands out to nobody who reads committed ones.

A producer that dies in a transaction without the broker giving it up hides all that comes behind it, its own and
others'. Lag goes by what can be read, so it is 0 meanwhile; a restart of this worker would not help.
"""

import asyncio
import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

from agents import metrics
from agents.intake import Intake
from agents.offsets import Fetched
from schema.rows import Partition

ROUND_S = 2.0

_SHOWN = (metrics.HELD_BACK, metrics.HELD_BACK_SECONDS)


class Fetching(Protocol):
    """Whoever fetches."""

    def fetched(self) -> dict[Partition, Fetched]:
        """Return the latest answer about each partition that is read."""
        ...


class Standing(NamedTuple):
    """An offset from which on nothing is handed out, and since when, as fetches were answered."""

    stable_end: int
    since_s: float


class HeldBack:
    """Shows of each partition how many records are held back, and for how long the first of them has been."""

    def __init__(self, intake: Intake, source: Callable[[], Fetching]) -> None:
        self._intake = intake
        self._source = source
        self._standing: dict[Partition, Standing] = {}
        self._shown: set[Partition] = set()

    async def run(self) -> None:
        """Look every round; never returns."""
        while True:
            self.look()
            await asyncio.sleep(ROUND_S)

    def look(self) -> None:
        """Show what the latest fetches say; NaN of a partition that is not read yet."""
        fetched = self._source().fetched()
        assigned = set(self._intake.assigned)
        for partition in self._shown - assigned:
            self._standing.pop(partition, None)
            for gauge in _SHOWN:
                gauge.remove(partition.topic, str(partition.number))
        for partition in assigned:
            self._look_at(partition, fetched.get(partition))
        self._shown = assigned

    def _look_at(self, partition: Partition, fetched: Fetched | None) -> None:
        records = seconds = math.nan
        was = self._standing.pop(partition, None)
        if fetched is not None:
            records = max(0, fetched.end - fetched.stable_end)
            seconds = 0.0
        if fetched is not None and records:
            now = was
            if now is None or now.stable_end != fetched.stable_end:
                now = Standing(fetched.stable_end, fetched.at_s)
            self._standing[partition] = now
            seconds = fetched.at_s - now.since_s
        for gauge, value in zip(_SHOWN, (records, seconds), strict=True):
            gauge.labels(partition.topic, str(partition.number)).set(value)
