"""What a Kafka cluster tells of itself and of our topics, for ``hxi doctor``."""

from collections.abc import Collection
from contextlib import suppress
from typing import NamedTuple

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec
from kafka.errors import KafkaError

from agents.kafka_clients import BrokerUnavailable, connect
from agents.settings import Settings
from schema.fields import US_PER_MS


class Topic(NamedTuple):
    """A topic: its partitions, the bytes that a record may have, the latest timestamp of one; 0 where there is none."""

    partitions: int
    max_bytes: int
    newest_us: int


class Cluster(NamedTuple):
    """How many brokers there are, and which of our topics."""

    brokers: int
    topics: dict[str, Topic]


def look_at_cluster(settings: Settings) -> Cluster:
    """Return what there is, and make nothing.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    try:
        admin = connect(KafkaAdminClient, settings, request_timeout_ms=10_000)
        try:
            names = (settings.events_topic, settings.replay_topic, settings.dead_letter_topic)
            present = set(admin.list_topics())
            topics = _topics(admin, [name for name in names if name in present])
            return Cluster(len(admin.describe_cluster()["brokers"]), topics)
        finally:
            admin.close()
    except (KafkaError, OSError, TimeoutError) as error:
        raise BrokerUnavailable(f"{settings.kafka_bootstrap}: {error}") from error


def _topics(admin: KafkaAdminClient, names: Collection[str]) -> dict[str, Topic]:
    if not names:
        return {}
    counts = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics(list(names))}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    described = {
        name: configs
        for found in admin.describe_configs(asked, config_filter="all").values()
        for name, configs in found.items()
    }
    return {
        name: Topic(
            counts[name], int(described[name]["max.message.bytes"]["value"]), _newest(admin, name, counts[name])
        )
        for name in names
    }


def _newest(admin: KafkaAdminClient, name: str, partitions: int) -> int:
    """Return the latest timestamp of a topic's records in microseconds, as Kafka 3.0 and newer can tell."""
    wanted = {TopicPartition(name, number): OffsetSpec.MAX_TIMESTAMP for number in range(partitions)}
    with suppress(KafkaError):
        found = admin.list_partition_offsets(wanted).values()
        return max(0, *(int(newest.timestamp) for newest in found)) * US_PER_MS
    return 0
