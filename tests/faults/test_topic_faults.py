"""Topics have gaps and lose records, group offsets go or are moved: nothing else is lost, and nothing comes twice."""

import signal
from collections.abc import Container, Mapping
from typing import Any

import pytest

from tests.deployment import wait_until
from tests.faults.campaign import Campaign, Named
from tests.faults.plan import campaigns
from tests.faults.producing import Order
from tests.faults.topic_faults import (
    GROUP_OFFSETS,
    Place,
    aborted_transactions,
    by_place,
    compact,
    cut_off,
    losses,
    make_compactable,
)
from tests.faults.unscheduled import noted, turns, wait_until_published
from tests.faults.verdict import (
    assert_dead_letters,
    assert_events_once,
    assert_nobody_idle_in_transaction,
    assert_results,
    decode,
    put_to_the_test,
    wait_until_at_rest,
)

OFFSETS = {"aborted transactions": (aborted_transactions, 1, 5)} | {
    f"group offsets {name}": (fire, few, 5)
    for (name, fire), few in zip(GROUP_OFFSETS.items(), (0, 1, 0, 1), strict=True)
}
ORDER = Order(records_per_s=75)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("wanted", campaigns("topic", OFFSETS))
def test_offsets_may_have_gaps_and_those_of_the_group_mean_nothing(
    campaign: Campaign, wanted: Mapping[Named, int]
) -> None:
    put_to_the_test(campaign, wanted, ORDER)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("turn", turns(1, 5))
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
    assert_came_of(campaign, before, gone)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("turn", turns(1, 5))
@pytest.mark.parametrize("asleep", [False, True], ids=["while stopped", "while asleep"])
def test_records_that_retention_removed_unread_are_a_loud_loss_and_no_other_is_lost(
    campaign: Campaign, asleep: bool, turn: int
) -> None:
    deployment = campaign.deployment
    name = f"retention while {'asleep' if asleep else 'stopped'}"
    with noted(campaign, "topic", name) as proofs:
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
            before = by_place(deployment)
            cuts = cut_off(deployment, seen if asleep else settled)
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
    assert_came_of(campaign, everything, lost)


def assert_came_of(campaign: Campaign, found: Mapping[Place, Any], gone: Container[Place]) -> None:
    """Check that the tables hold just what these records of the source topics come to, without those that are gone."""
    deployment = campaign.deployment
    assert deployment.deserters() == []
    topics = decode(deployment, [record for place, record in found.items() if place not in gone])
    wait_until_at_rest(deployment)
    assert_events_once(deployment, topics)
    unread = decode(deployment, [record for place, record in found.items() if place in gone])
    assert_dead_letters(deployment, topics, unread)
    assert_results(deployment, topics)
    assert_nobody_idle_in_transaction(deployment)
