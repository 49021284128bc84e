"""Decides which of several facts stands: the one of the latest event time.

At equal times the greater text wins, so that facts merge the same way in any order and
any number of times. The upserts in ``schema/sql/queries`` apply the same rule.
"""

from collections.abc import Sequence
from typing import Any

from pipeline.moments import moment_or_none

Fact = tuple[int, Any]
"""Event time in microseconds, and the value; the greater pair stands."""

Facts = dict[str, Fact]


def merge(facts: Facts, time_us: int, names: tuple[str, ...], values: tuple[Any, ...]) -> None:
    """Let ``values`` (None: nothing said) of one event into ``facts``."""
    for name, value in zip(names, values, strict=True):
        if value is not None:
            fact = (time_us, value)
            if name not in facts or facts[name] < fact:
                facts[name] = fact


def dated(facts: Facts, names: Sequence[str]) -> list[Any]:
    """Return value and event time of each name in turn, None and None where nothing is known."""
    if not facts:
        return [None, None] * len(names)
    pairs = [facts.get(name, (None, None)) for name in names]
    return [part for time_us, value in pairs for part in (value, moment_or_none(time_us))]
