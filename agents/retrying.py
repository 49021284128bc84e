"""Trying again while a server is away: with growing, bounded delays, and saying so once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from agents import metrics
from agents.away import Away
from pipeline.sinks.contract import Unavailable

FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 5.0

T = TypeVar("T")

away = Away()
"""Of this process, as its metrics are."""


async def in_rounds(round_s: float, work: Callable[[], Awaitable[None]], what: str) -> None:
    """Do ``work`` every so many seconds; never returns. A database that is away is met next time."""
    who = object()
    while True:
        await asyncio.sleep(round_s)
        try:
            await work()
        except Unavailable as error:
            metrics.RETRIES.labels("database").inc()
            away.note(who, "database", what, error)
        else:
            away.forget(who, "database")


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
    try:
        while True:
            try:
                result = await attempt()
            except passing as error:
                metrics.RETRIES.labels(target).inc()
                away.note(attempt, target, what, error)
                await asyncio.sleep(delay)
                delay = min(delay * 2, LONGEST_DELAY_S)
            else:
                away.forget(attempt, target)
                return result
    finally:
        away.give_up(attempt)
