"""A round that the database did not answer is counted as an attempt that is repeated, as a write is."""

from contextlib import suppress

from agents import metrics
from agents.retrying import away, in_rounds
from pipeline.sinks.contract import Unavailable


class Enough(Exception):
    """What ends the rounds."""


def counted() -> float:
    return float(metrics.RETRIES.labels("database")._value.get())


async def test_rounds_that_fail_are_counted_and_rounds_that_succeed_are_not() -> None:
    said: list[str | None] = []
    outcomes: list[Exception | None] = [Unavailable("away"), Unavailable("away"), None, Enough()]

    async def work() -> None:
        said.append(away.reason())
        if (outcome := outcomes.pop(0)) is not None:
            raise outcome

    before = counted()
    with suppress(Enough):
        await in_rounds(0, work, "Work")
    assert counted() - before == 2
    waits = "the database does not answer; what waits for it: Work"
    assert said == [None, waits, waits, None]
