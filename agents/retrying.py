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


async def in_rounds(round_s: float, work: Callable[[], Awaitable[None]], what: str, level: int) -> None:
    """Do ``work`` every so many seconds; never returns.

    A database that is away is met next time; that ``what`` happens later is said at ``level``.
    """
    while True:
        await asyncio.sleep(round_s)
        try:
            await work()
        except Unavailable as error:
            logger.log(level, "%s later: %s", what, error)


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
    while True:
        try:
            result = await attempt()
        except passing as error:
            metrics.RETRIES.labels(target).inc()
            fields = {"target": target, "tries": tries, "delay_s": delay}
            logger.warning("%s failed (try %d), again in %.1f s: %s", what, tries, delay, error, extra=fields)
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY_S)
            tries += 1
        else:
            if tries > 1:
                logger.info("%s succeeded at try %d", what, tries, extra={"target": target, "tries": tries})
            return result
