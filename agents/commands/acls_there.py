"""What Kafka's ACLs forbid a worker, and the command that allows it, for ``hxi doctor``.

Brokers tell what a login may do with a topic. Of a group they tell it only where there is one already; so a heartbeat
is sent of a member that is none: it changes nothing, and is refused for its lack of rights before it is for that.
"""

import time
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from kafka import KafkaAdminClient
from kafka.errors import CoordinatorNotAvailableError, GroupAuthorizationFailedError, TopicAuthorizationFailedError
from kafka.protocol.consumer import HeartbeatRequest

from agents.settings import Settings

TRIES = 15
TRY_AGAIN_AFTER_S = 0.2
"""The first to ask for a group's coordinator has Kafka make the topic of all groups, which takes it about a second."""


class Forbidden(NamedTuple):
    """Something that a worker has to do and may not."""

    operation: Literal["Describe", "Read", "Write"]
    kind: Literal["topic", "group"]
    name: str

    def __str__(self) -> str:
        return f"{self.operation} on {self.kind} {self.name}"


def of_topics(settings: Settings, described: Mapping[str, Mapping[str, Any]]) -> list[Forbidden]:
    """Return what is forbidden of the topics, by Kafka's descriptions of those that we asked for."""
    wanted: dict[str, Literal["Read", "Write"]] = {
        settings.events_topic: "Read",
        settings.replay_topic: "Read",
        settings.dead_letter_topic: "Write",
    }
    found = []
    for name, operation in wanted.items():
        is_hidden = described[name]["error_code"] == TopicAuthorizationFailedError.errno
        allowed = described[name].get("authorized_operations")
        if is_hidden:
            found.append(Forbidden("Describe", "topic", name))
        if is_hidden or (allowed and operation.upper() not in allowed):  # none at all: the broker does not tell
            found.append(Forbidden(operation, "topic", name))
    return found


def of_group(admin: KafkaAdminClient, app_id: str) -> list[Forbidden]:
    """Return what is forbidden of the group ``app_id``; nothing where its coordinator does not say."""

    async def beat() -> int:
        (coordinator,) = (await admin._find_coordinator_ids([app_id])).values()
        request = HeartbeatRequest(group_id=app_id, generation_id=-1, member_id="")
        return (await admin._manager.send(request, node_id=coordinator)).error_code  # type: ignore[no-any-return]

    for _ in range(TRIES):
        try:
            is_forbidden = admin._manager.run(beat) == GroupAuthorizationFailedError.errno
        except GroupAuthorizationFailedError:
            is_forbidden = True
        except CoordinatorNotAvailableError:
            time.sleep(TRY_AGAIN_AFTER_S)
            continue
        return [Forbidden("Read", "group", app_id)] if is_forbidden else []
    return []


def command(settings: Settings, forbidden: Forbidden) -> str:
    """Return what an administrator has to run."""
    name = settings.kafka_sasl_username if settings.uses_sasl else None
    if name is None:
        name = "the subject of HXI_KAFKA_SSL_CERT_FILE" if settings.kafka_ssl_cert_file else "ANONYMOUS"
    return (
        f"kafka-acls.sh --bootstrap-server {settings.kafka_bootstrap} --add --allow-principal 'User:{name}'"
        f" --operation {forbidden.operation} --{forbidden.kind} '{forbidden.name}'"
    )
