"""Poison in the topics and clocks that are wrong, and the tables come out as in a calm run."""

import time
from itertools import accumulate

import pytest

from tests.deployment import WorkerProcess, wait_until
from tests.faults.campaign import Campaign
from tests.faults.producing import Order
from tests.faults.unscheduled import noted, published, refused, turns, wait_until_published, withstood
from tests.faults.verdict import judge

MINUTE_S = 60
HOUR_S = 3600
DAY_S = 24 * HOUR_S

POISON = {
    "1 %": (Order(records_per_s=200, bad_share=0.01), 1200, 5),
    "50 %": (Order(records_per_s=200, bad_share=0.5), 1200, 400),
    "10 000 in a row": (Order(records_per_s=150, bad_in_a_row=10_000), 11_500, 10_000),
}
"""What is published, how many records of it at least, and how many bad ones are then among them."""

SKEWED = {
    "ahead, then behind": (HOUR_S, -2 * HOUR_S),
    "behind": (-HOUR_S,),
    "behind, then ahead, then right": (-HOUR_S, 2 * HOUR_S, -HOUR_S),
}
"""How wrong the clocks of workers are at first, and what they jump by later, in seconds."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("turn", turns(1, 5))
def test_poison_is_set_aside_and_holds_nothing_up(campaign: Campaign, turn: int) -> None:
    for _ in range(2):
        campaign.start_worker()
    logs = []
    for name, (order, records, least) in POISON.items():
        with noted(campaign, "poison", name) as proofs:
            with campaign.traffic(order) as log:
                wait_until_published(log, records)
            assert refused(log) >= least
            proofs.append(f"{refused(log)} of {published(log)} records were bad")
        logs.append(log)
    judge(campaign.deployment, campaign.postgres, logs)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("turn", turns(1, 3))
def test_the_clocks_of_workers_may_be_hours_off_and_jump(campaign: Campaign, turn: int) -> None:
    deployment = campaign.deployment
    with withstood(campaign, "clock", "of workers", Order(records_per_s=150), 600) as proofs:
        deployment.start_worker()
        skewed = {
            deployment.start_worker(("tests.faults.skewed_worker", *map(str, clock))): clock
            for clock in SKEWED.values()
        }
        for worker, clock in skewed.items():
            worker.wait_until_said("Reading ")
            assert seconds_off(worker) in accumulate(clock)
            for off_s in accumulate(clock):
                worker.wait_until_said(f"the clock is off by {off_s} s")
        proofs.append(f"workers' clocks were off by {', '.join(map(str, skewed.values()))} s")


def seconds_off(worker: WorkerProcess) -> int:
    """Return how far off a worker's own clock was, in whole hours, when it logged what it reads."""
    said = next(line for line in worker.said().splitlines() if "Reading " in line)
    hours, minutes, seconds = map(int, said.partition(" ")[0].split(":"))
    true = time.localtime(worker.log.stat().st_mtime)
    seen_s = (hours - true.tm_hour) * HOUR_S + (minutes - true.tm_min) * 60 + seconds - true.tm_sec
    off_s = round(seen_s / HOUR_S) * HOUR_S
    assert abs(seen_s - off_s) < MINUTE_S, said
    return (off_s + DAY_S // 2) % DAY_S - DAY_S // 2


@pytest.mark.timeout(900)
@pytest.mark.parametrize("turn", turns(1, 3))
def test_the_clocks_of_clients_may_be_ten_years_off(campaign: Campaign, turn: int) -> None:
    order = Order(records_per_s=200, wrong_clocks=True)
    with withstood(campaign, "clock", "of clients", order, 1000) as proofs:
        for _ in range(2):
            campaign.start_worker()
        wait_until(lambda: campaign.deployment.has_moved_beyond(700), "enough is settled to be looked at")
        ahead, behind = years_off(campaign)
        assert ahead > 0
        assert behind > 0
        proofs.append(f"clocks of {ahead} events were ten years ahead, of {behind} ten years behind")


def years_off(campaign: Campaign) -> tuple[int, int]:
    """Return how many events came from a clock that was ten years ahead, and ten years behind."""
    ((ahead, behind),) = campaign.deployment.query("""
        SELECT count(*) FILTER (WHERE client_time > timestamp + interval '9 years'),
            count(*) FILTER (WHERE client_time < timestamp - interval '9 years') FROM events
    """)
    return ahead, behind
