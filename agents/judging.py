"""Judges sessions by timer, soon after they have changed."""

import asyncio
import time

from agents import metrics
from agents.retrying import in_rounds
from pipeline.sinks.contract import Sink

ROUND_S = 1.0

MOST_AT_ONCE = 200
"""Sessions per transaction: flushes that change one of them wait until it has committed."""

REST = 4
"""Times as long as a transaction took nothing is judged: so judging takes a fifth of a busy worker's time at most,
and sessions under way are read less often the more there are."""


class Judging:
    """Judges what has changed, round by round."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    async def run(self) -> None:
        """Judge every round; never returns. A database that is away is met next time."""
        await in_rounds(ROUND_S, self.judge, "Judging sessions")

    async def judge(self) -> None:
        """Judge all that has changed by now."""
        judged = MOST_AT_ONCE
        while judged == MOST_AT_ONCE:
            began = time.monotonic()
            judged = await self._sink.judge(MOST_AT_ONCE)
            metrics.JUDGED.inc(judged)
            await asyncio.sleep(REST * (time.monotonic() - began))
