"""Poison in the topics and clocks that are wrong, and the tables come out as in a calm run."""

import json
import signal
from datetime import datetime
from itertools import accumulate, islice
from math import sqrt
from pathlib import Path

import pytest

from tests.deployment import Deployment, WorkerProcess, wait_until
from tests.faults.campaign import Campaign
from tests.faults.dead_letters import Copies
from tests.faults.plan import is_wanted
from tests.faults.producing import Order
from tests.faults.unscheduled import noted, published, refused, turns, wait_until_published, withstood
from tests.faults.verdict import judge

MINUTE_S = 60
HOUR_S = 3600

POISON = {
    "1 %": (Order(records_per_s=200, bad_share=0.01), 1200),
    "50 %": (Order(records_per_s=200, bad_share=0.5), 1200),
    "10 000 in a row": (Order(records_per_s=150, bad_in_a_row=10_000), 11_500),
}
"""What is published, and how many records of it at least."""

DEVIATIONS = 4
"""By how many standard deviations chance may miss the share of bad records."""

SKEWED = {
    "ahead, then behind": (HOUR_S, -2 * HOUR_S),
    "behind": (-HOUR_S,),
    "behind, then ahead, then right": (-HOUR_S, 2 * HOUR_S, -HOUR_S),
}
"""How wrong the clocks of workers are at first, and what they jump by later, in seconds."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("turn", turns(1, 5, *(f"poison: {name}" for name in POISON)))
def test_poison_is_set_aside_and_holds_nothing_up(campaign: Campaign, turn: int) -> None:
    campaign.deployment.hxi("publish", "/dev/null")  # makes the topics
    campaign.staff()
    logs = []
    wanted = {name: planned for name, planned in POISON.items() if is_wanted(f"poison: {name}")}
    for name, (order, records) in wanted.items():
        with noted(campaign, "poison", name) as proofs:
            with campaign.traffic(order) as log:
                wait_until_published(log, records)
            assert_bad_as_ordered(log, order)
            share = refused(log) / published(log)
            proofs.append(f"{refused(log)} of {published(log)} records were bad, {share:.1%}")
        logs.append(log)
    judge(campaign.deployment, campaign.postgres, logs, Copies.ONCE)


def assert_bad_as_ordered(log: Path, order: Order) -> None:
    """Check that so many of the records were bad as the order says, give or take what chance does."""
    drawn, share = published(log) - order.bad_in_a_row, order.bad_share
    bad = refused(log) - order.bad_in_a_row
    assert bad > 0
    assert abs(bad - share * drawn) <= DEVIATIONS * sqrt(drawn * share * (1 - share)), f"{bad} of {drawn} were bad"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("turn", turns(1, 3, "clock: of workers"))
def test_the_clocks_of_workers_may_be_hours_off_and_jump(campaign: Campaign, turn: int) -> None:
    deployment = campaign.deployment
    with withstood(campaign, "clock", "of workers", Order(records_per_s=150), 600, Copies.ONCE_PER_CLAIM) as proofs:
        deployment.start_worker()
        skewed = {
            deployment.start_worker(("tests.faults.skewed_worker", *map(str, clock))): clock
            for clock in SKEWED.values()
        }
        campaign.wait_until_all_is_read_by(*deployment.workers)
        for worker, clock in skewed.items():
            assert seconds_off(worker) == clock[0]
            wait_until_it_moves_on(deployment, worker)
            for off_s in islice(accumulate(clock), 1, None):
                worker.signal(signal.SIGHUP)
                worker.wait_until_said(f"the clock is off by {off_s} s")
                wait_until_it_moves_on(deployment, worker)
        proofs.append(f"workers' clocks were off by {', '.join(map(str, skewed.values()))} s, and each moved on")


def wait_until_it_moves_on(deployment: Deployment, worker: WorkerProcess) -> None:
    """Wait until more is settled of what the worker reads."""
    theirs = worker.reads()

    def settled() -> int:
        return sum(offset for place, offset in deployment.ledger().items() if place in theirs)

    before = settled()
    wait_until(lambda: settled() > before, lambda: f"{worker.name} goes on with {theirs}:\n{worker.said()}")
    assert worker.reads() == theirs, "others may have gone on with it"


def seconds_off(worker: WorkerProcess) -> int:
    """Return how far off a worker's own clock was, in whole hours, when it logged what it reads."""
    said = worker.claims()[-1]
    seen_s = datetime.fromisoformat(json.loads(said)["time"]).timestamp() - worker.log.stat().st_mtime
    off_s = round(seen_s / HOUR_S) * HOUR_S
    assert abs(seen_s - off_s) < MINUTE_S, said
    return off_s
