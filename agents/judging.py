"""Judges sessions by timer, soon after they have changed."""

import logging

from agents import metrics
from agents.retrying import in_rounds
from pipeline.sinks.contract import Sink

ROUND_S = 1.0

MOST_AT_ONCE = 200
"""Sessions per transaction: flushes that change one of them wait until it has committed."""


class Judging:
    """Judges what has changed, round by round."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    async def run(self) -> None:
        """Judge every round; never returns. A database that is away is met next time."""
        await in_rounds(ROUND_S, self.judge, "Sessions are judged", logging.WARNING)

    async def judge(self) -> None:
        """Judge all that has changed by now."""
        judged = MOST_AT_ONCE
        while judged == MOST_AT_ONCE:
            judged = await self._sink.judge(MOST_AT_ONCE)
            metrics.JUDGED.inc(judged)
