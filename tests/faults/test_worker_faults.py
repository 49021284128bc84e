"""Workers are killed, replaced, put to sleep and scaled, and the tables come out as in a calm run."""

from collections.abc import Mapping

import pytest

from tests.faults import moments
from tests.faults.campaign import Campaign, Named
from tests.faults.dead_letters import Copies
from tests.faults.plan import campaigns
from tests.faults.producing import Order
from tests.faults.verdict import put_to_the_test
from tests.faults.worker_faults import scale, sigkill_at, sigkill_at_random, sigterm, sleep_and_wake, sleep_and_wake_at

KILLS = {"at a random moment": (sigkill_at_random, 5, 100)} | {
    name: (sigkill_at(name), 2, 20) for name in moments.NAMED
}
COMING_AND_GOING = {
    "SIGTERM": (sigterm, 5, 30),
    "asleep at a random moment": (sleep_and_wake, 3, 15),
    "asleep during COPY": (sleep_and_wake_at("during COPY"), 1, 8),
    "asleep before COMMIT": (sleep_and_wake_at("before COMMIT"), 1, 7),
    "1, 3, 2, 1 of them": (scale, 1, 20),
}
ORDER = Order(records_per_s=75)
BACKLOG_FIRST = Order(records_per_s=75, at_once=5_000)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("wanted", campaigns("SIGKILL", KILLS))
def test_workers_may_be_killed_at_any_moment(campaign: Campaign, wanted: Mapping[Named, int]) -> None:
    put_to_the_test(campaign, wanted, BACKLOG_FIRST, Copies.ONCE_PER_CLAIM)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("wanted", campaigns("workers", COMING_AND_GOING))
def test_workers_may_come_and_go_and_sleep_past_their_session(campaign: Campaign, wanted: Mapping[Named, int]) -> None:
    put_to_the_test(campaign, wanted, ORDER, Copies.ONCE_PER_CLAIM)
