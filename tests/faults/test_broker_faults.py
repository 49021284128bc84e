"""Brokers restart, die, and hand over to others, and nothing is lost or written twice."""

from collections.abc import Mapping

import pytest

from tests.faults.broker_faults import clean_restart, kill_and_restart, leader_killed
from tests.faults.campaign import Campaign, Named
from tests.faults.plan import campaigns
from tests.faults.producing import Order
from tests.faults.verdict import put_to_the_test

ONE = {"clean restart": (clean_restart, 1, 10), "SIGKILL and restart": (kill_and_restart, 1, 10)}
THREE = {"leader of three killed": (leader_killed, 1, 10)}
ORDER = Order(records_per_s=75)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("wanted", campaigns("broker", ONE))
def test_the_broker_may_restart_and_die(campaign: Campaign, wanted: Mapping[Named, int]) -> None:
    put_to_the_test(campaign, wanted, ORDER)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("wanted", campaigns("broker", THREE))
def test_the_leader_of_three_brokers_may_die(cluster_campaign: Campaign, wanted: Mapping[Named, int]) -> None:
    put_to_the_test(cluster_campaign, wanted, ORDER)
