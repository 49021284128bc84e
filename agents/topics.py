"""The topics: made where they are missing, checked where they are there."""

import logging

from kafka import KafkaAdminClient
from kafka.errors import TopicAlreadyExistsError

from agents.kafka_clients import administering
from agents.settings import Settings

logger = logging.getLogger(__name__)

MAX_RECORD_BYTES = 16 * 1024 * 1024
"""What one record may hold on topics made here: a replay chunk of 4 MB and its JSON escapes."""

MAX_DEAD_LETTER_BYTES = MAX_RECORD_BYTES + 64 * 1024
"""A dead letter is the record and its headers."""

DEAD_LETTER_RETENTION_MS = 30 * 24 * 3600 * 1000
"""A month to look at what was refused, where the broker's default is a week."""


class WrongPartitions(Exception):
    """A topic has another number of partitions than the settings say."""


def ensure_topics(settings: Settings) -> dict[str, int]:
    """Make what is missing of the three topics and return each one's partition count.

    Safe to run at once from many places.

    Raises:
        BrokerUnavailable: no broker answers.
        WrongPartitions: ``HXI_TOPIC_PARTITIONS`` is set and a source topic has another count.
    """
    names = (settings.events_topic, settings.replay_topic, settings.dead_letter_topic)
    with administering(settings) as admin:
        missing = [name for name in names if name not in set(admin.list_topics())]
        for name in missing:
            _create(admin, settings, name)
        described = admin.describe_topics(list(names))
        # Those that are new, here or to this broker. Of others a partition without a leader is waited for by itself.
        if new := {*missing, *(topic["name"] for topic in described if topic["error_code"])}:
            admin.wait_for_topics(new)
            described = admin.describe_topics(list(names))
    counts = {topic["name"]: len(topic["partitions"]) for topic in described}
    _check(settings, counts)
    return counts


def _create(admin: KafkaAdminClient, settings: Settings, name: str) -> None:
    configs = {"max.message.bytes": str(MAX_RECORD_BYTES)}
    if name == settings.dead_letter_topic:
        configs = {"max.message.bytes": str(MAX_DEAD_LETTER_BYTES), "retention.ms": str(DEAD_LETTER_RETENTION_MS)}
    topic = {name: {"num_partitions": settings.topic_partitions, "configs": configs}}
    try:
        admin.create_topics(topic)
    except TopicAlreadyExistsError:
        return
    logger.info("Made topic %s with %d partitions", name, settings.topic_partitions)


def _check(settings: Settings, counts: dict[str, int]) -> None:
    if "topic_partitions" not in settings.model_fields_set:
        return
    for name in (settings.events_topic, settings.replay_topic):
        if counts[name] != settings.topic_partitions:
            raise WrongPartitions(
                f"topic {name} has {counts[name]} partitions, but HXI_TOPIC_PARTITIONS is"
                f" {settings.topic_partitions}: set it to {counts[name]}, or leave it out"
            )
