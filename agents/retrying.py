"""Trying again while a server is away: with growing, bounded delays, and saying so."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from agents import metrics
from pipeline.sinks.contract import Unavailable

logger = logging.getLogger(__name__)

FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 5.0

T = TypeVar("T")


class Away:
    """Servers that do not answer at this moment, and what waits for them."""

    def __init__(self) -> None:
        self._waiting: dict[object, tuple[str, str]] = {}

    def note(self, who: object, target: str, what: str) -> None:
        """Note that ``target`` does not answer, so that ``what`` has to wait."""
        self._waiting[who] = (target, what)

    def forget(self, who: object) -> None:
        """Note that ``who`` waits no longer."""
        self._waiting.pop(who, None)

    def reason(self) -> str | None:
        """Return who is away and what waits for that, None where all answer; no addresses, no errors."""
        for target, what in self._waiting.values():
            server = "database" if target == "database" else "broker"
            return f"the {server} does not answer; what waits for it: {what}"
        return None


away = Away()
"""Of this process, as its metrics are."""


async def in_rounds(round_s: float, work: Callable[[], Awaitable[None]], what: str, level: int) -> None:
    """Do ``work`` every so many seconds; never returns.

    A database that is away is met next time; that ``what`` happens later is said at ``level``.
    """
    who = object()
    while True:
        await asyncio.sleep(round_s)
        try:
            await work()
        except Unavailable as error:
            metrics.RETRIES.labels("database").inc()
            away.note(who, "database", what)
            logger.log(level, "%s later: %s", what, error)
        else:
            away.forget(who)


async def retrying(
    what: str,
    target: str,
    attempt: Callable[[], Awaitable[T]],
    passing: tuple[type[Exception], ...],
) -> T:
    """Return what ``attempt`` returns, as soon as it does not raise one of ``passing``.

    Never gives up; cancelling the task ends it. Delays double from 0.1 s to 5 s.
    """
    delay = FIRST_DELAY_S
    tries = 1
    try:
        while True:
            try:
                result = await attempt()
            except passing as error:
                metrics.RETRIES.labels(target).inc()
                away.note(attempt, target, what)
                fields = {"target": target, "tries": tries, "delay_s": delay}
                logger.warning("%s failed (try %d), again in %.1f s: %s", what, tries, delay, error, extra=fields)
                await asyncio.sleep(delay)
                delay = min(delay * 2, LONGEST_DELAY_S)
                tries += 1
            else:
                if tries > 1:
                    logger.info("%s succeeded at try %d", what, tries, extra={"target": target, "tries": tries})
                return result
    finally:
        away.forget(attempt)
