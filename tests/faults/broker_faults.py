"""Faults of brokers: of a campaign's only one, or of the one of three that leads."""

from collections.abc import Callable

from tests.deployment import wait_until
from tests.faults.campaign import Campaign
from tests.servers.apache_kafka import ApacheKafka
from tests.servers.kafka_cluster import KafkaCluster

TAKES_OVER_WITHIN_S = 60.0


def clean_restart(campaign: Campaign) -> list[str]:
    """Restart the broker as an operator would."""
    return _restarted(campaign, ApacheKafka.stop)


def kill_and_restart(campaign: Campaign) -> list[str]:
    """Kill the broker and start it again on its data."""
    return _restarted(campaign, ApacheKafka.kill)


def _restarted(campaign: Campaign, end: Callable[[ApacheKafka], None]) -> list[str]:
    broker = campaign.broker
    assert isinstance(broker, ApacheKafka)
    before = broker.pid
    end(broker)
    broker.start()
    return [f"broker process {before} was followed by {broker.pid}"]


def leader_killed(campaign: Campaign) -> list[str]:
    """Kill the broker that leads a partition, wait until another leads it and all recovers, bring it back.

    Recovery is from the kill: nobody needs the third broker for it.
    """
    cluster = campaign.broker
    assert isinstance(cluster, KafkaCluster)
    topic, partition = campaign.deployment.topic("EVENTS"), campaign.chance.randrange(8)
    leader = cluster.leader_of(topic, partition)
    settled = campaign.deployment.ledger()[topic, partition]
    before = leader.pid
    leader.kill()
    campaign.heals()
    heir = cluster.leader_of(topic, partition)
    assert heir is not leader
    wait_until(
        lambda: campaign.deployment.ledger()[topic, partition] > settled,
        lambda: f"partition {partition} goes on under its new leader:\n{campaign.last_words()}",
        TAKES_OVER_WITHIN_S,
    )
    campaign.recover("the loss of a leader")
    leader.start()
    cluster.wait_until_in_sync()
    return [f"broker process {before} led {topic}[{partition}] and was killed, {heir.pid} led it then"]
