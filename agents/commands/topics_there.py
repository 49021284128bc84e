"""What Kafka tells of our topics, for ``hxi doctor``."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import NamedTuple

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec
from kafka.errors import KafkaError

from agents.kafka_clients import BrokerUnavailable, connect
from agents.settings import Settings
from schema.fields import US_PER_MS

DEFAULT_RECORD_BYTES = 1024 * 1024 + 12
"""Of Kafka's ``max.message.bytes``."""


class Topic(NamedTuple):
    """A topic: its partitions, the bytes that a record may have, the latest timestamp of one (0 where there is none).

    ``bounds`` is, by partition, the offset of the first record and the one after the last; empty where Kafka does not
    tell.
    """

    partitions: int
    max_bytes: int
    newest_us: int
    bounds: Mapping[int, tuple[int, int]]


def topics_of(settings: Settings) -> dict[str, Topic]:
    """Return those of the three topics that are there, and make none.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    try:
        admin = connect(KafkaAdminClient, settings, request_timeout_ms=10_000)
        try:
            names = (settings.events_topic, settings.replay_topic, settings.dead_letter_topic)
            present = set(admin.list_topics())
            return _topics(admin, [name for name in names if name in present])
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
            counts[name],
            _room(described[name]),
            _newest(admin, name, counts[name]),
            _bounds(admin, name, counts[name]),
        )
        for name in names
    }


def _room(configs: Mapping[str, Mapping[str, object]]) -> int:
    """Return what a record may have, by a broker that does not say so (the embedded one) what Kafka's default is."""
    return int(str(configs.get("max.message.bytes", {}).get("value", DEFAULT_RECORD_BYTES)))


def _bounds(admin: KafkaAdminClient, name: str, partitions: int) -> dict[int, tuple[int, int]]:
    first, last = (
        {TopicPartition(name, number): spec for number in range(partitions)}
        for spec in (OffsetSpec.EARLIEST, OffsetSpec.LATEST)
    )
    with suppress(KafkaError):  # a partition without a leader
        begins, ends = admin.list_partition_offsets(first), admin.list_partition_offsets(last)
        return {of.partition: (int(begins[of].offset), int(ends[of].offset)) for of in first}
    return {}


def _newest(admin: KafkaAdminClient, name: str, partitions: int) -> int:
    """Return the latest timestamp of a topic's records in microseconds, as Kafka 3.0 and newer can tell."""
    wanted = {TopicPartition(name, number): OffsetSpec.MAX_TIMESTAMP for number in range(partitions)}
    with suppress(KafkaError):
        found = admin.list_partition_offsets(wanted).values()
        return max(0, *(int(newest.timestamp) for newest in found)) * US_PER_MS
    return 0
