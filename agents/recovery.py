"""Measures how soon an assignment is claimed and read, and how soon all that waited at its claim is written."""

import time
from collections.abc import Mapping

from agents import metrics
from agents.owned import Owned
from schema.rows import Partition


class Recovery:
    """One assignment's way: assigned, claimed, its first read, caught up. Each is measured once."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._ends: dict[Partition, int] = {}
        self._unread = False

    def claimed(self, owned: Mapping[Partition, Owned], ends: Mapping[Partition, int]) -> None:
        """Note that these partitions are claimed and about to be read; ``ends`` is where they end now."""
        self._observe("claimed")
        self._ends = {partition: ends[partition] for partition in owned}
        self._unread = any(mine.read_to < ends[partition] for partition, mine in owned.items())
        self.written(owned)

    def read(self) -> None:
        """Note that records have been taken in."""
        if self._unread:
            self._unread = False
            self._observe("first_read")

    def written(self, owned: Mapping[Partition, Owned]) -> None:
        """Note that ledgers have moved."""
        if self._ends and all(owned[partition].stands_at >= end for partition, end in self._ends.items()):
            self._ends = {}
            self._observe("caught_up")

    def _observe(self, until: str) -> None:
        metrics.RECOVERY_SECONDS.labels(until).observe(time.monotonic() - self._began)
