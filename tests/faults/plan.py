"""How often each fault fires: a few times in every test run, many times with ``HXI_TEST_FAULTS=all``."""

import os
from collections.abc import Mapping

import pytest

from tests.faults.campaign import Fire, Named

ALL = os.environ.get("HXI_TEST_FAULTS", "few") == "all"
ONLY = os.environ.get("HXI_TEST_FAULTS_ONLY", "")
"""A part of the names of the faults that are to fire, at least once each; the others stay away."""

MOST_PER_CAMPAIGN = 40
"""So that a campaign, and the events that its judgement goes through, stay within minutes."""

Planned = tuple[Fire, int, int]
"""A fault, how often it fires in every test run, and how often in the whole of the suite."""

_known: dict[str, bool] = {}
"""The faults that tests have asked about, and whether they are to fire."""


def is_wanted(name: str) -> bool:
    """Return whether the fault of this name, as the report has it, is to fire in this run."""
    return _known.setdefault(name, ONLY in name)


def times(name: str, few: int, whole: int) -> int:
    """Return how often the fault of this name, as the report has it, is to fire now."""
    if not is_wanted(name):
        return 0
    return whole if ALL else max(few, bool(ONLY))


def campaigns(kind: str, plan: Mapping[str, Planned]) -> list[object]:
    """Return pytest parameters, one for each campaign: which faults, how often."""
    wanted = {
        Named(kind, name, fire): times(f"{kind}: {name}", few, whole) for name, (fire, few, whole) in plan.items()
    }
    parts = -(-sum(wanted.values()) // MOST_PER_CAMPAIGN)
    shares = ({named: (count + part) // parts for named, count in wanted.items()} for part in range(parts))
    return [pytest.param(share, id=f"{part} of {parts}") for part, share in enumerate(shares, 1)]


def refuse_to_try_nothing() -> None:
    """Fail where ``ONLY`` leaves no fault of those that the collected tests have.

    Raises:
        pytest.UsageError: With the names that there are.
    """
    if _known and not any(_known.values()):
        names = "".join(f"\n  {name}" for name in sorted(_known))
        raise pytest.UsageError(f"HXI_TEST_FAULTS_ONLY={ONLY!r} is in no name of a fault here. There are:{names}")
