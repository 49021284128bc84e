"""Looks around by timer for what has been read to the end, and for sessions that went quiet."""

import logging
from collections.abc import Collection
from typing import Protocol

from agents.intake import Intake
from agents.retrying import in_rounds
from pipeline.sinks.contract import Claim, Sink
from schema.rows import Partition

logger = logging.getLogger(__name__)

LONGEST_ROUND_S = 5.0
SHORTEST_ROUND_S = 0.5


class Lagging(Protocol):
    """Whoever knows what is left to read."""

    def lag(self) -> dict[Partition, int]:
        """Return how many records of each partition are unread, where that is known."""
        ...


class QuietWatch:
    """Tells the ledger what has been read to the end, and ends sessions that went quiet."""

    def __init__(self, intake: Intake, sink: Sink, source: Lagging, timeout_s: float, topics: Collection[str]) -> None:
        self._intake = intake
        self._sink = sink
        self._source = source
        self._timeout_s = timeout_s
        self._topics = topics
        self._round_s = min(LONGEST_ROUND_S, max(SHORTEST_ROUND_S, timeout_s / 20))

    async def run(self) -> None:
        """Look around every round; never returns. A database that is away is met next time."""
        await in_rounds(self._round_s, self.look, "Looking for quiet sessions")

    async def look(self) -> None:
        """Do one round."""
        unread = self._source.lag()
        owned = self._intake.owned
        caught_up = {
            partition: Claim(mine.epoch, mine.written_to)
            for partition, mine in owned.items()
            if unread.get(partition) == 0 and mine.written_to == mine.read_to
        }
        if caught_up:
            await self._sink.mark_caught_up(caught_up)
            ended = await self._sink.end_quiet_sessions(self._timeout_s, self._topics)
            if ended:
                logger.info("%d sessions went quiet and have ended", ended)
