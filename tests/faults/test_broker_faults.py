"""Brokers restart, die, and hand over to others, and nothing is lost or written twice."""

from functools import partial

import pytest

from tests.faults.broker_faults import clean_restart, kill_and_restart, leader_killed
from tests.faults.campaign import Campaign, Named
from tests.faults.plan import times
from tests.faults.producing import Order
from tests.faults.verdict import put_to_the_test
from tests.servers.apache_kafka import ApacheKafka
from tests.servers.kafka_cluster import KafkaCluster

ORDER = Order(records_per_s=75)


@pytest.mark.timeout(3600)
def test_the_broker_may_restart_and_die(campaign: Campaign) -> None:
    assert isinstance(campaign.broker, ApacheKafka)
    restart = Named("broker", "clean restart", partial(clean_restart, campaign.broker))
    kill = Named("broker", "SIGKILL and restart", partial(kill_and_restart, campaign.broker))
    put_to_the_test(campaign, {each: times(each.name, 1, 10) for each in (restart, kill)}, ORDER)


@pytest.mark.timeout(3600)
def test_the_leader_of_three_brokers_may_die(cluster_campaign: Campaign, cluster: KafkaCluster) -> None:
    killed = Named("broker", "leader of three killed", partial(leader_killed, cluster))
    put_to_the_test(cluster_campaign, {killed: times(killed.name, 1, 10)}, ORDER)
