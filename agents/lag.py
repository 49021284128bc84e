"""How far behind the ledger each partition is, in records and in seconds, looked at by timer.

Also where nothing is read: broker and ledger are asked, not the stream. A partition is behind while the broker has
records beyond the ledger. By how many seconds: the age, by its Kafka timestamp, of the record at which the ledger
stands, where that has been read. Where it has not (reading has not begun, or does not come through), for as long as
the ledger has been seen to stand there: at least so long it has waited.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from aiokafka.errors import KafkaError

from agents import metrics
from agents.intake import Intake
from agents.owned import Owned
from agents.retrying import away
from schema.fields import US_PER_S
from schema.rows import Partition

ROUND_S = 2.0

ANSWERS_WITHIN_S = 5.0
"""A broker that takes longer is away."""


Ends = Callable[[Iterable[Partition]], Awaitable[dict[Partition, int]]]
"""Asks the broker for the offset after each partition's last committed record."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A ledger that stands at an offset, None where that is not known yet, with something left to write."""

    at: int | None
    since_s: float
    left: int


class LagWatch:
    """Shows how far behind each assigned partition is, and knows whose ledger stands still."""

    def __init__(
        self,
        intake: Intake,
        ends: Ends,
        stuck_after_s: float,
        now_s: Callable[[], float] = time.monotonic,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._now_s = now_s
        self._now_us = now_us
        self._intake = intake
        self._ask_ends = ends
        self._stuck_after_s = stuck_after_s
        self._ends: dict[Partition, int] = {}
        self._standing: dict[Partition, Standing] = {}
        self._shown: set[Partition] = set()

    async def run(self) -> None:
        """Look every round; never returns."""
        while True:
            await self.ask()
            self.look()
            await asyncio.sleep(ROUND_S)

    async def ask(self) -> None:
        """Ask the broker where the partitions end; where it does not answer, what was known of that stays."""
        owned = list(self._intake.owned)
        if not owned:
            return
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                self._ends |= await self._ask_ends(owned)
        except (KafkaError, OSError, TimeoutError) as error:
            away.note(self, "broker", "Asking where the partitions end", error)
        else:
            away.forget(self)

    def look(self) -> None:
        """Work out and show how far behind each partition is at this moment."""
        now_s, now_us = self._now_s(), self._now_us()
        assigned, owned = self._intake.assigned, self._intake.owned
        for gone in self._shown - assigned:
            metrics.LAG.remove(gone.topic, str(gone.number))
            metrics.LAG_SECONDS.remove(gone.topic, str(gone.number))
        self._shown = set(assigned)
        self._standing = {key: standing for key, standing in self._standing.items() if key in assigned}
        for partition in assigned:
            mine = owned.get(partition)
            self._stand(partition, mine, now_s)
            self._show(partition, mine, now_s, now_us)
        _show_state(self._intake)

    def stuck(self) -> str | None:
        """Return which ledger has stood too long with something left to write, the longest; None where none has."""
        self.look()
        now_s = self._now_s()
        longest = min(self._standing.items(), key=lambda pair: pair[1].since_s, default=None)
        if longest is None or now_s - longest[1].since_s < self._stuck_after_s:
            return None
        (topic, number), standing = longest
        stands = (
            "waits to be claimed" if standing.at is None else f"stands at {standing.at}, {standing.left} records left"
        )
        return f"{topic}[{number}] {stands}, for {now_s - standing.since_s:.0f} s now"

    def _stand(self, partition: Partition, mine: Owned | None, now_s: float) -> None:
        known = self._standing.get(partition, Standing(None, now_s, 0))
        if mine is None:  # being claimed, again perhaps: whether the ledger has moved is seen afterwards
            self._standing[partition] = known
            return
        at = mine.stands_at
        left = max(self._ends.get(partition, 0), mine.read_to) - at
        if left <= 0:
            self._standing.pop(partition, None)
        else:
            since_s = known.since_s if known.at in (None, at) else now_s
            self._standing[partition] = Standing(at, since_s, left)

    def _show(self, partition: Partition, mine: Owned | None, now_s: float, now_us: int) -> None:
        labels = (partition.topic, str(partition.number))
        standing = self._standing.get(partition)
        records, seconds = metrics.LAG.labels(*labels), metrics.LAG_SECONDS.labels(*labels)
        if standing is None:
            records.set(0)
            seconds.set(0)
            return
        seen_for_s = now_s - standing.since_s
        arrival_us = None if mine is None else mine.oldest_arrival_us
        if mine is not None:
            records.set(standing.left)
        seconds.set(seen_for_s if arrival_us is None else max(0.0, (now_us - arrival_us) / US_PER_S))


def _show_state(intake: Intake) -> None:
    held = intake.held()
    metrics.PARTITIONS.set(len(intake.owned))
    metrics.SEEN_IDS.set(sum(len(mine.seen) for mine in intake.owned.values()))
    metrics.PENDING_EVENTS.set(sum(len(one.flush) for one in held))
    metrics.PENDING_BYTES.set(sum(one.bytes for one in held))
