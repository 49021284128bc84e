"""What Kafka tells of our topics, for ``hxi doctor``."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec
from kafka.errors import KafkaError

from agents.commands import acls_there
from agents.commands.acls_there import Forbidden
from agents.kafka_clients import administering
from agents.settings import Settings
from schema.fields import US_PER_MS


class Topic(NamedTuple):
    """A topic: its partitions, the bytes that a record may have, the latest timestamp of one (0 where there is none).

    ``leaderless`` are the partitions that no broker answers for. ``bounds`` is, by partition, the offset of the first
    record and the one after the last; empty where Kafka does not tell. ``untold`` is why it does not tell timestamps.
    """

    partitions: int
    max_bytes: int | None
    newest_us: int
    bounds: Mapping[int, tuple[int, int]]
    leaderless: tuple[int, ...] = ()
    untold: str = ""


class There(NamedTuple):
    """Those of the three topics that are there, and what a worker is forbidden of them and of its group."""

    topics: dict[str, Topic]
    forbidden: list[Forbidden]


def look_at_topics(settings: Settings) -> There:
    """Return what there is to see, and make none.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    with administering(settings) as admin:
        names = (settings.events_topic, settings.replay_topic, settings.dead_letter_topic)
        described = {topic["name"]: topic for topic in admin.describe_topics(list(names))}
        forbidden = acls_there.of_topics(settings, described) + acls_there.of_group(admin, settings.app_id)
        return There(_topics(admin, [one for one in described.values() if one["partitions"]]), forbidden)


def _topics(admin: KafkaAdminClient, described: Collection[Mapping[str, Any]]) -> dict[str, Topic]:
    if not described:
        return {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, topic["name"]) for topic in described]
    configs = {
        name: found
        for answer in admin.describe_configs(asked, config_filter="all").values()
        for name, found in answer.items()
    }
    return {topic["name"]: _topic(admin, topic, configs[topic["name"]]) for topic in described}


def _topic(admin: KafkaAdminClient, described: Mapping[str, Any], configs: Mapping[str, Any]) -> Topic:
    name, partitions = described["name"], described["partitions"]
    leaderless = tuple(sorted(one["partition_index"] for one in partitions if one["leader_id"] < 0))
    led = sorted({one["partition_index"] for one in partitions} - set(leaderless))
    newest_us, untold = _newest(admin, name, led)
    return Topic(len(partitions), _room(configs), newest_us, _bounds(admin, name, led), leaderless, untold)


def _room(configs: Mapping[str, Mapping[str, object]]) -> int | None:
    """Return what a record may have, None where that is not told: not to this login, or by no broker of this kind."""
    told = configs.get("max.message.bytes")
    return None if told is None else int(str(told["value"]))


def _bounds(admin: KafkaAdminClient, name: str, partitions: Collection[int]) -> dict[int, tuple[int, int]]:
    first, last = (
        {TopicPartition(name, number): spec for number in partitions}
        for spec in (OffsetSpec.EARLIEST, OffsetSpec.LATEST)
    )
    with suppress(KafkaError):
        begins, ends = admin.list_partition_offsets(first), admin.list_partition_offsets(last)
        return {of.partition: (int(begins[of].offset), int(ends[of].offset)) for of in first}
    return {}


def _newest(admin: KafkaAdminClient, name: str, partitions: Collection[int]) -> tuple[int, str]:
    """Return the latest timestamp of a topic's records in microseconds, as Kafka 3.0 and newer can tell; or why not."""
    wanted = {TopicPartition(name, number): OffsetSpec.MAX_TIMESTAMP for number in partitions}
    try:
        found = admin.list_partition_offsets(wanted).values()
    except KafkaError as error:
        return 0, f"of {name} Kafka does not tell them: {error}"
    return max([0, *(int(newest.timestamp) for newest in found)]) * US_PER_MS, ""
