"""Campaigns without a schedule: so many records of some kind of traffic, and the verdict."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.deployment import wait_until
from tests.faults.calm import DRAINED_WITHIN_S
from tests.faults.campaign import Campaign
from tests.faults.dead_letters import Copies
from tests.faults.log import Fault, now
from tests.faults.plan import times
from tests.faults.producing import Order
from tests.faults.verdict import judge

PUBLISHED_WITHIN_S = 120.0


def turns(few: int, whole: int, *names: str) -> range:
    """Return a number for each time that a test is to run: few in every test run, more in the whole of the suite.

    ``names`` are those of its faults, as the report has them; it does not run where all of them are to stay away.
    """
    return range(1, 1 + max(times(name, few, whole) for name in names))


def published(log: Path) -> int:
    """Return how many records the broker took, by the producer's log, which is a little behind."""
    return len(_lines(log))


def refused(log: Path) -> int:
    """Return how many of them are bad, at least in part."""
    return sum(not line.endswith(b" none\n") for line in _lines(log))


def _lines(log: Path) -> list[bytes]:
    """Return the log's whole lines; none before the producer has begun."""
    lines = log.read_bytes().splitlines(keepends=True) if log.exists() else []
    return [line for line in lines if line.endswith(b"\n")]


def wait_until_published(log: Path, records: int) -> None:
    """Wait until the broker took so many records more than by now."""
    enough = published(log) + records
    wait_until(lambda: published(log) >= enough, lambda: f"{published(log)} records", PUBLISHED_WITHIN_S)


@contextmanager
def noted(campaign: Campaign, kind: str, name: str) -> Iterator[list[str]]:
    """Note what happens in the block as a fault: the proof is to be added to what is given.

    The block leaves workers that run; recovery is until they have read everything.
    """
    at, began = now(), time.monotonic()
    proofs: list[str] = []
    yield proofs
    healed = time.monotonic()
    campaign.deployment.wait_until_drained(DRAINED_WITHIN_S)
    lasted_s, recovery_s = round(healed - began, 3), round(time.monotonic() - healed, 3)
    (proof,) = proofs
    campaign.log.add(Fault(campaign.name, kind, name, at, lasted_s, recovery_s, proof))


@contextmanager
def withstood(
    campaign: Campaign, kind: str, name: str, order: Order, records: int, copies: Copies = Copies.ANY
) -> Iterator[list[str]]:
    """Publish so many records beside what happens in the block, note that as a fault, and judge."""
    with noted(campaign, kind, name) as proofs, campaign.traffic(order) as log:
        yield proofs
        wait_until_published(log, records)
    judge(campaign.deployment, campaign.postgres, [log], copies)
