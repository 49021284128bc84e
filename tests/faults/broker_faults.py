"""Faults of brokers."""

from collections.abc import Callable

from tests.deployment import wait_until
from tests.faults.campaign import Campaign
from tests.servers.apache_kafka import ApacheKafka
from tests.servers.kafka_cluster import KafkaCluster

TAKES_OVER_WITHIN_S = 60.0


def clean_restart(broker: ApacheKafka, _: Campaign) -> list[str]:
    """Restart the broker as an operator would."""
    return _restarted(broker, broker.stop)


def kill_and_restart(broker: ApacheKafka, _: Campaign) -> list[str]:
    """Kill the broker and start it again on its data."""
    return _restarted(broker, broker.kill)


def _restarted(broker: ApacheKafka, end: Callable[[], None]) -> list[str]:
    before = broker.pid
    end()
    broker.start()
    return [f"broker process {before} was followed by {broker.pid}"]


def leader_killed(cluster: KafkaCluster, campaign: Campaign) -> list[str]:
    """Kill the broker that leads a partition, wait until another leads it and records go through, bring it back."""
    topic, partition = campaign.deployment.topic("EVENTS"), campaign.chance.randrange(8)
    leader = cluster.leader_of(topic, partition)
    settled = campaign.deployment.ledger()[topic, partition]
    before = leader.pid
    leader.kill()
    heir = cluster.leader_of(topic, partition)
    assert heir is not leader
    wait_until(
        lambda: campaign.deployment.ledger()[topic, partition] > settled,
        lambda: f"partition {partition} goes on under its new leader:\n{campaign.last_words()}",
        TAKES_OVER_WITHIN_S,
    )
    leader.start()
    cluster.wait_until_in_sync()
    return [f"broker process {before} led {topic}[{partition}] and was killed, {heir.pid} led it then"]
