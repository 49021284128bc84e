"""How often each fault fires: a few times in every test run, many times with ``HXI_TEST_FAULTS=all``."""

import os
from collections.abc import Mapping

import pytest

from tests.faults.campaign import Fire, Named

ALL = os.environ.get("HXI_TEST_FAULTS", "few") == "all"
ONLY = os.environ.get("HXI_TEST_FAULTS_ONLY", "")
"""A part of the names of the faults that are to fire; the others stay away."""

MOST_PER_CAMPAIGN = 40
"""So that a campaign, and the events that its judgement goes through, stay within minutes."""

Planned = tuple[Fire, int, int]
"""A fault, how often it fires in every test run, and how often in the whole of the suite."""


def times(name: str, few: int, whole: int) -> int:
    """Return how often the fault of this name is to fire now."""
    if ONLY not in name:
        return 0
    return whole if ALL else few


def campaigns(kind: str, plan: Mapping[str, Planned]) -> list[object]:
    """Return pytest parameters, one for each campaign: which faults, how often."""
    wanted = {Named(kind, name, fire): times(name, few, whole) for name, (fire, few, whole) in plan.items()}
    parts = -(-sum(wanted.values()) // MOST_PER_CAMPAIGN)
    shares = ({named: (count + part) // parts for named, count in wanted.items()} for part in range(parts))
    return [pytest.param(share, id=f"{part} of {parts}") for part, share in enumerate(shares, 1)]
