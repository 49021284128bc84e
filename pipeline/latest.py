"""Decides which of several facts stands: the one of the latest event time.

At equal times the greater text wins, so that facts merge the same way in any order and
any number of times. The upserts in ``schema/sql/queries`` apply the same rule.
"""

from typing import Any

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
