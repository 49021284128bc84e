"""Judges sessions by timer, soon after they have changed."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from agents import metrics
from agents.retrying import in_rounds
from pipeline.sinks.contract import Sink

ROUND_S = 1.0

MOST_AT_ONCE = 200
"""Sessions per transaction: flushes that change one of them wait until it has committed."""

REST = 4
"""Times as long as a transaction took nothing is judged: so judging takes a fifth of a busy worker's time at most,
and sessions under way are read less often the more there are."""

REST_IDLE = 1
"""Where few events wait: half of the time. A crowd of 40 000 sessions that left at once took a worker a minute, most of
which it rested. With half of a busy worker's time events came late: 3 of 4 within a second, where it was 19 of 20."""

FEW_EVENTS = 100
"""As many as wait for a flush at some 200 a second."""

LOOK_EVERY_S = 5.0
"""Between two looks at how many wait, by every worker: a look takes the database 0.1 ms, and 10 at most."""

MOST_COUNTED = 100_000


class Judging:
    """Judges what has changed, round by round."""

    def __init__(
        self,
        sink: Sink,
        events_waiting: Callable[[], int],
        now_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._sink = sink
        self._now_s = now_s
        self._sleep = sleep
        self._events_waiting = events_waiting

    async def run(self) -> None:
        """Judge every round; never returns. A database that is away is met next time."""
        await in_rounds(ROUND_S, self.judge, "Judging sessions")

    async def judge(self) -> None:
        """Judge all that has changed by now."""
        judged = MOST_AT_ONCE
        while judged == MOST_AT_ONCE:
            began = self._now_s()
            judged = await self._sink.judge(MOST_AT_ONCE)
            metrics.JUDGED.inc(judged)
            rest = REST_IDLE if self._events_waiting() < FEW_EVENTS else REST
            await self._sleep(rest * (self._now_s() - began))

    async def run_watch(self) -> None:
        """Show every round what waits to be judged; never returns."""
        await in_rounds(LOOK_EVERY_S, self.look, "Looking what waits to be judged")

    async def look(self) -> None:
        """Show how many sessions wait to be judged, and for how long the first of them has."""
        waiting = await self._sink.waiting(MOST_COUNTED)
        metrics.UNJUDGED.set(waiting.sessions)
        metrics.UNJUDGED_SECONDS.set(waiting.oldest_s)
