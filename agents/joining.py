"""Says it where a worker does not get into its group: its client would wait in silence, for as long as it takes."""

import asyncio
import math
import time
from collections.abc import Callable
from typing import Protocol

from agents import metrics
from agents.retrying import away

ROUND_S = 2.0

SLOW_S = 30.0
"""A join takes a rebalance at most, 10 s, or with a worker that was killed 6 s more."""

SETTLED_S = 10.0
"""So long without another refusal, and the last one is over."""


class Member(Protocol):
    """Whoever joins the group."""

    async def refusal(self) -> Exception | None:
        """Return why the brokers have refused us since this was last asked; the client then tries again."""
        ...


class JoinWatch:
    """Looks by timer whether the join gets on."""

    def __init__(
        self,
        group: str,
        member: Callable[[], Member],
        is_joining: Callable[[], bool],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = f"Joining the group {group}"
        self._member = member
        self._is_joining = is_joining
        self._now_s = now_s
        self._since_s = math.inf
        self._refused_s = -math.inf

    async def run(self) -> None:
        """Look every round; never returns."""
        while True:
            await asyncio.sleep(ROUND_S)
            await self.look()

    async def look(self) -> None:
        """Say it where the brokers refuse, or have let us wait for too long."""
        error = await self._member().refusal()
        now_s = self._now_s()
        is_joining = self._is_joining()
        self._since_s = min(self._since_s, now_s) if is_joining else math.inf
        if error is not None:
            self._refused_s = now_s
        if error is not None or now_s - self._since_s >= SLOW_S:
            metrics.RETRIES.labels("broker").inc()
            away.note(self, "broker", self._what, error)
        elif not is_joining and now_s - self._refused_s >= SETTLED_S:
            away.forget(self)
