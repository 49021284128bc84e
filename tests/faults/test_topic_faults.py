"""Topics have gaps and lose records, group offsets go or are moved: nothing else is lost, and nothing comes twice."""

import signal
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.deployment import wait_until
from tests.faults.accounting import assert_accounted_for, logged
from tests.faults.calm import DRAINED_WITHIN_S, wait_until_at_rest
from tests.faults.campaign import Campaign, Named
from tests.faults.dead_letters import Copies
from tests.faults.plan import campaigns
from tests.faults.producing import Order
from tests.faults.topic_faults import (
    GROUP_OFFSETS,
    Place,
    aborted_transactions,
    ahead,
    by_place,
    compact,
    cut_off,
    forget_progress,
    losses,
    make_again,
    make_compactable,
    refusals,
)
from tests.faults.unscheduled import noted, turns, wait_until_published
from tests.faults.verdict import decode, judge_without, put_to_the_test

OFFSETS = {"aborted transactions": (aborted_transactions, 1, 5)} | {
    f"group offsets {name}": (fire, few, 5)
    for (name, fire), few in zip(GROUP_OFFSETS.items(), (0, 1, 0, 1), strict=True)
}
ORDER = Order(records_per_s=75)

RETENTION = ("while stopped", "while asleep")
"""What workers do when records are removed that they have not read."""


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("wanted", campaigns("topic", OFFSETS))
def test_offsets_may_have_gaps_and_those_of_the_group_mean_nothing(
    campaign: Campaign, wanted: Mapping[Named, int]
) -> None:
    put_to_the_test(campaign, wanted, ORDER, Copies.ONCE_PER_CLAIM)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("turn", turns(1, 5, "topic: compaction"))
def test_workers_read_over_what_compaction_removed(campaign: Campaign, turn: int) -> None:
    deployment = campaign.deployment
    make_compactable(deployment)
    with noted(campaign, "topic", "compaction") as proofs:
        with campaign.traffic(Order(records_per_s=200)) as log:
            first = campaign.start_worker()
            wait_until(lambda: deployment.has_moved_beyond(200), "some is settled")
            assert first.terminate() == 0
            wait_until_published(log, 1000)
        settled, before = deployment.ledger(), by_place(deployment)
        proofs.append(f"compaction removed {compact(deployment)} of {len(before)} records")
        read = {place for place in before if place[2] < settled.get(place[:2], 0)}
        gone = before.keys() - read - by_place(deployment).keys()
        assert gone, "of what was not read yet, nothing was removed"
        for _ in range(2):
            campaign.start_worker()
    assert losses(deployment.workers) == set()
    judge_what_is_left(campaign, before, gone, log, Copies.ONCE_PER_CLAIM)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("when", "turn"), [(when, turn) for when in RETENTION for turn in turns(1, 5, f"topic: retention {when}")]
)
def test_records_that_retention_removed_unread_are_a_loud_loss_and_no_other_is_lost(
    campaign: Campaign, when: str, turn: int
) -> None:
    deployment, asleep = campaign.deployment, when == "while asleep"
    with noted(campaign, "topic", f"retention {when}") as proofs:
        with campaign.traffic(Order(records_per_s=200)) as log:
            worker = campaign.start_worker()
            wait_until(lambda: deployment.has_moved_beyond(200), "some is settled")
            if asleep:
                worker.signal(signal.SIGSTOP)
                wait_until_published(log, 100)  # half a second: the fetch under way has come back
            else:
                assert worker.terminate() == 0
            settled, seen = deployment.ledger(), deployment.ends()
            wait_until_published(log, 500)
            ends = deployment.ends()  # what is published from here on need not be among what is read next
            before = by_place(deployment)
            cuts = cut_off(deployment, seen if asleep else settled, ends)
            if asleep:
                worker.signal(signal.SIGCONT)
            else:
                worker = campaign.start_worker()
            wait_until(lambda: {loss[:2] for loss in losses([worker])} == set(cuts), "every loss is told")
            assert worker.metric("hxi_data_loss_suspected_total") >= len(cuts)
            wait_until_published(log, 200)
        told = losses([worker])
        assert {loss[:2]: loss.end for loss in told} == cuts
        assert asleep or {loss[:2]: loss.begin for loss in told} == {at: settled.get(at, 0) for at in cuts}
        proofs.append(f"retention removed {sum(loss.end - loss.begin for loss in told)} records unread")
    assert worker.running
    lost = {(loss.topic, loss.partition, offset) for loss in told for offset in range(loss.begin, loss.end)}
    everything = before | by_place(deployment)
    assert lost <= everything.keys()
    judge_what_is_left(campaign, everything, lost, log, Copies.ONCE_PER_CLAIM)


def judge_what_is_left(
    campaign: Campaign, found: Mapping[Place, Any], gone: Container[Place], log: Path, copies: Copies
) -> None:
    """Judge by these records of the source topics, of which some were gone before anybody read them."""
    deployment = campaign.deployment
    assert_accounted_for(decode(deployment, found.values()), logged([log]))
    read = decode(deployment, [record for place, record in found.items() if place not in gone])
    unread = decode(deployment, [record for place, record in found.items() if place in gone])
    judge_without(deployment, campaign.postgres, read, unread, copies=copies)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("turn", turns(1, 5, "topic: deleted and made again"))
def test_a_topic_made_again_stops_workers_loudly_until_its_progress_is_forgotten(campaign: Campaign, turn: int) -> None:
    deployment = campaign.deployment
    with noted(campaign, "topic", "deleted and made again") as proofs:
        with campaign.traffic(Order(records_per_s=200)) as log:
            worker = campaign.start_worker()
            wait_until_published(log, 600)
        first = generation(campaign, log)
        deployment.wait_until_drained(DRAINED_WITHIN_S)
        wait_until_at_rest(deployment)
        assert worker.terminate() == 0
        make_again(deployment)
        ledger, tables = deployment.ledger(), deployment.tables()
        with campaign.traffic(Order(records_per_s=200)) as log:
            wait_until_published(log, 100)
        second = generation(campaign, log)
        beyond = ahead(deployment)
        assert beyond, f"the ledger {ledger} is nowhere ahead of {deployment.ends()}"
        stopped = campaign.start_worker()
        wait_until(lambda: not stopped.running, lambda: f"the worker stops, but:\n{stopped.said()}")
        assert stopped.exit_code == 1
        (told,) = refusals(stopped, campaign.app_id)
        assert told in beyond
        assert (deployment.ledger(), deployment.tables()) == (ledger, tables)
        stopped.was_told_to_end = True  # by the ledger: it is no deserter
        proofs.append(f"the ledger stood at {told.offset} of a partition that ends at {told.end}")
        forget_progress(campaign)
        campaign.start_worker()
    judge_without(deployment, campaign.postgres, decode(deployment, first, second), copies=Copies.ONCE)


def generation(campaign: Campaign, log: Path) -> list[Any]:
    """Return the records of the source topics as they are now, all of which are in the producer's log."""
    found = list(by_place(campaign.deployment).values())
    assert_accounted_for(decode(campaign.deployment, found), logged([log]))
    return found
