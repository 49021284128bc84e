"""How far behind the ledger each partition is, in records and in seconds, looked at by timer.

Also where nothing is read: broker and ledger are asked, not the stream. A partition is behind while the broker has
records beyond the ledger. By how many seconds: the age, by its Kafka timestamp, of the record at which the ledger
stands, where that has been read. Where it has not (reading has not begun, or does not come through), for as long as
the ledger has been seen to stand there: at least so long it has waited.

What is not known is not shown as 0. Ends only grow: a partition that was behind when the broker was last heard is
behind by at least as much, and goes on being shown so; of one that was not, nobody knows.
"""

import asyncio
import math
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import Gauge

from agents import metrics
from agents.intake import Intake
from agents.offsets import names
from agents.owned import Owned
from agents.retrying import away, in_rounds
from pipeline.sinks.contract import Sink
from schema.fields import US_PER_S
from schema.rows import Partition

ROUND_S = 2.0

KNOWN_FOR_S = 15.0
"""After this long without an answer about a partition nobody knows its end: two rounds in which a broker was asked."""

ANSWERS_WITHIN_S = 5.0
"""A leader that takes longer has not answered; it is asked again in the next round."""

GIVES_UP_S = 8.0
"""The client's own thread, which asks for us, should have said by now that nobody answers."""

_SHOWN = (metrics.LAG, metrics.LAG_SECONDS, metrics.LAG_REFRESHED, metrics.LEDGER)


class Brokers(Protocol):
    """Whoever knows where partitions begin and end; those whose leader does not answer are left out."""

    async def ends(self, partitions: Iterable[Partition], within_s: float) -> dict[Partition, int]:
        """Return the offset after the last committed record."""
        ...

    async def bounds(self, partitions: Iterable[Partition], within_s: float) -> dict[Partition, tuple[int, int]]:
        """Return the first offset, and the one after the last committed record."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """A ledger that stands at an offset, with something left to write."""

    at: int
    since_s: float
    left: int


@dataclass(slots=True)
class Known:
    """What broker and ledger have said of a partition; None where they have not yet."""

    end: int | None = None
    first: int = 0
    heard_s: float = -math.inf
    heard_us: int = 0
    ledger_at: int | None = None
    standing: Standing | None = None


class LagWatch:
    """Shows how far behind each assigned partition is, and knows whose ledger stands still."""

    def __init__(
        self,
        intake: Intake,
        brokers: Callable[[], Brokers],
        sink: Sink,
        stuck_after_s: float,
        now_s: Callable[[], float] = time.monotonic,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._now_s = now_s
        self._now_us = now_us
        self._intake = intake
        self._brokers = brokers
        self._sink = sink
        self._stuck_after_s = stuck_after_s
        self._known: dict[Partition, Known] = {}

    async def run(self) -> None:
        """Look every round; never returns."""
        while True:
            await self.ask()
            self.look()
            await asyncio.sleep(ROUND_S)

    async def run_beside_claims(self) -> None:
        """Look every round where the ledgers of partitions stand that are not claimed yet; never returns."""
        await in_rounds(ROUND_S, self.ask_ledger, "Looking where ledgers stand")

    async def ask(self) -> None:
        """Ask the brokers where the partitions end; of those that do not answer, what was known stays."""
        assigned = set(self._intake.assigned)
        claimed = assigned & self._intake.owned.keys()
        bounds: dict[Partition, tuple[int, int]] = {}
        with suppress(TimeoutError):
            async with asyncio.timeout(GIVES_UP_S):
                ends, bounds = await asyncio.gather(self._ends(claimed), self._bounds(assigned - claimed))
                bounds |= {partition: (0, end) for partition, end in ends.items()}
        self._let_go()
        now_s, now_us = self._now_s(), self._now_us()
        for partition, (first, end) in bounds.items():
            if (known := self._known.get(partition)) is not None:
                known.first, known.end = max(known.first, first), end
                known.heard_s, known.heard_us = now_s, now_us
        silent = assigned - bounds.keys()
        if silent:
            metrics.RETRIES.labels("broker").inc()
            away.note(self, "broker", f"Asking where {names(silent)} end")
        else:
            away.forget(self)

    async def ask_ledger(self) -> None:
        """Ask the database where the ledgers of partitions stand that are not claimed.

        Raises:
            Unavailable: it does not answer; what was known stays.
        """
        unclaimed = self._intake.assigned - self._intake.owned.keys()
        offsets = await self._sink.offsets(unclaimed) if unclaimed else {}
        self._let_go()
        for partition, at in offsets.items():
            if partition in self._known and partition not in self._intake.owned:
                self._known[partition].ledger_at = at

    def look(self) -> None:
        """Work out and show how far behind each partition is at this moment."""
        self._let_go()
        now_s, now_us = self._now_s(), self._now_us()
        for partition, known in self._known.items():
            mine = self._intake.owned.get(partition)
            _stand(known, mine, now_s)
            _show(partition, known, mine, now_s, now_us)
        _show_state(self._intake)

    def stuck(self) -> str | None:
        """Return which ledger has stood too long with something left to write, the longest; None where none has.

        Where it is not known whether something is left, that is no reason.
        """
        self.look()
        now_s = self._now_s()
        standing = [
            (known.standing.since_s, key, known.standing) for key, known in self._known.items() if known.standing
        ]
        if not standing:
            return None
        since_s, (topic, number), longest = min(standing, key=lambda one: one[:2])
        if now_s - since_s < self._stuck_after_s:
            return None
        return f"{topic}[{number}] stands at {longest.at}, {longest.left} records left, for {now_s - since_s:.0f} s now"

    async def _ends(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        return await self._brokers().ends(partitions, ANSWERS_WITHIN_S) if partitions else {}

    async def _bounds(self, partitions: Collection[Partition]) -> dict[Partition, tuple[int, int]]:
        return await self._brokers().bounds(partitions, ANSWERS_WITHIN_S) if partitions else {}

    def _let_go(self) -> None:
        """Forget the partitions that are no longer ours, and begin with those that are new."""
        for partition in self._known.keys() - self._intake.assigned:
            del self._known[partition]
            for gauge in _SHOWN:
                gauge.remove(partition.topic, str(partition.number))
        for partition in self._intake.assigned - self._known.keys():
            self._known[partition] = Known()


def _stand(known: Known, mine: Owned | None, now_s: float) -> None:
    if mine is not None:
        known.ledger_at = mine.stands_at
    at = None if known.ledger_at is None else max(known.ledger_at, known.first)
    left = 0 if at is None else max(known.end or 0, 0 if mine is None else mine.read_to) - at
    if at is None or left <= 0:
        known.standing = None
    else:
        was = known.standing
        known.standing = Standing(at, was.since_s if was is not None and was.at == at else now_s, left)


def _show(partition: Partition, known: Known, mine: Owned | None, now_s: float, now_us: int) -> None:
    labels = (partition.topic, str(partition.number))

    def show(gauge: Gauge, value: float) -> None:
        gauge.labels(*labels).set(value)

    show(metrics.LAG_REFRESHED, known.heard_us / US_PER_S)
    show(metrics.LEDGER, math.nan if known.ledger_at is None else known.ledger_at)
    standing = known.standing
    if standing is None:
        is_known = known.ledger_at is not None and now_s - known.heard_s <= KNOWN_FOR_S
        show(metrics.LAG, 0 if is_known else math.nan)
        show(metrics.LAG_SECONDS, 0 if is_known else math.nan)
        return
    arrival_us = None if mine is None else mine.oldest_arrival_us
    show(metrics.LAG, standing.left)
    show(
        metrics.LAG_SECONDS,
        now_s - standing.since_s if arrival_us is None else max(0.0, (now_us - arrival_us) / US_PER_S),
    )


def _show_state(intake: Intake) -> None:
    held = intake.held()
    metrics.PARTITIONS.set(len(intake.owned))
    metrics.SEEN_IDS.set(sum(len(mine.seen) for mine in intake.owned.values()))
    metrics.PENDING_EVENTS.set(sum(len(one.flush) for one in held))
    metrics.PENDING_BYTES.set(sum(one.bytes for one in held))
