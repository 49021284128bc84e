"""How long topics keep what they hold: what becomes of the records of somebody who is to be forgotten."""

from collections.abc import Mapping
from dataclasses import dataclass

from kafka.admin import ConfigResource, ConfigResourceType

from agents.kafka_clients import BrokerUnavailable, administering
from agents.settings import Settings

LOOKS_EVERY_MS = 10 * 60 * 1000
"""A broker looks for what has expired every 5 minutes, and removes files a minute later, unless told otherwise."""

NO_LIMIT_MS = 2**53
"""Beyond any date there is: Kafka's own "unlimited" is 2^63 - 1."""


@dataclass(frozen=True, slots=True)
class Retention:
    """What a topic does with old records; ``expires_ms`` from now at the latest, None where nothing limits it."""

    is_compacted: bool
    expires_ms: int | None

    @classmethod
    def of(cls, configs: Mapping[str, str]) -> "Retention":
        """Return what a topic's configuration comes to.

        With ``delete``, a segment goes once its newest record is older than ``retention.ms``, and takes records in for
        ``segment.ms``. With ``compact``, a key's records go some time after its next one.
        """
        policies = configs.get("cleanup.policy", "delete").split(",")
        limits = []
        if "delete" in policies and int(configs["retention.ms"]) >= 0:
            limits.append(int(configs["retention.ms"]) + int(configs["segment.ms"]))
        if "compact" in policies:
            limits.append(int(configs["max.compaction.lag.ms"]))
        least = min(limits, default=NO_LIMIT_MS)
        return cls("compact" in policies, least + LOOKS_EVERY_MS if least < NO_LIMIT_MS else None)


def retentions(settings: Settings) -> dict[str, Retention]:
    """Return those of the three topics that are there, by name.

    Raises:
        BrokerUnavailable: no broker answers, or not what Kafka would.
    """
    names = (settings.events_topic, settings.replay_topic, settings.dead_letter_topic)
    try:
        with administering(settings) as admin:
            present = [name for name in names if name in set(admin.list_topics())]
            asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in present]
            answer = admin.describe_configs(asked, config_filter="all") if asked else {}
        return {name: Retention.of(_values(configs)) for found in answer.values() for name, configs in found.items()}
    except (KeyError, ValueError) as error:
        raise BrokerUnavailable(f"{settings.kafka_bootstrap}: {error}") from error


def _values(configs: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    return {name: str(config["value"]) for name, config in configs.items()}
