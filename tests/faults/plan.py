"""How often each fault fires: a few times in every test run, many times with ``HXI_TEST_FAULTS=all``."""

import os
from collections.abc import Mapping

import pytest

from tests.faults.campaign import Fire, Named

ALL = os.environ.get("HXI_TEST_FAULTS", "few") == "all"
MOST_PER_CAMPAIGN = 40
"""So that a campaign, and the events that its judgement goes through, stay within minutes."""

Planned = tuple[Fire, int, int]
"""A fault, how often it fires in every test run, and how often in the whole of the suite."""


def campaigns(kind: str, plan: Mapping[str, Planned]) -> list[object]:
    """Return pytest parameters, one for each campaign: which faults, how often."""
    wanted = {Named(kind, name, fire): whole if ALL else few for name, (fire, few, whole) in plan.items()}
    parts = -(-sum(wanted.values()) // MOST_PER_CAMPAIGN)
    shares = ({named: (times + part) // parts for named, times in wanted.items()} for part in range(parts))
    return [pytest.param(share, id=f"{part} of {parts}") for part, share in enumerate(shares, 1)]
