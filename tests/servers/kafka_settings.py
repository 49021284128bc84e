"""How the tests' Apache Kafka brokers are configured, wherever they run. Each is broker and controller in one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

POM: Final = Path(__file__).with_name("pom.xml")

# Any 16 bytes in URL-safe base64: each test broker is a cluster of its own that nothing else joins.
CLUSTER_ID: Final = "4L6g3nShT-eMCtK0X86swQ"

FOR_TESTS: Final[Mapping[str, str]] = {
    # As in production: a topic exists because somebody made it, with its partitions and limits.
    "auto.create.topics.enable": "false",
    # One node cannot replicate.
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # 50 partitions each by default, all to be recovered after every kill.
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    # Groups form at once, and tests may choose short session timeouts.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    # Retention and compaction within a test's patience; the first look comes after 30 s by default.
    "log.initial.task.delay.ms": "500",
    "log.retention.check.interval.ms": "1000",
    "log.segment.delete.delay.ms": "1000",
    "log.cleaner.backoff.ms": "1000",
    # 128 MB of heap by default.
    "log.cleaner.dedupe.buffer.size": "16777216",
    # After a kill the controller takes the broker back only when its old session has run out: 9 s by default, with
    # which it was ready after 13 s and not 5 s. Shorter still would fence a broker that merely waits for a processor.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "250",
}


def kafka_version() -> str:
    """Return the version of Apache Kafka that ``pom.xml`` names.

    Raises:
        ValueError: If it names none.
    """
    found = re.search(r"<kafka\.version>([^<]+)</kafka\.version>", POM.read_text())
    if found is None:
        raise ValueError(f"{POM.name} names no kafka.version")
    return found[1]


def node(bind: str, advertised: str, port: int, controller_port: int) -> dict[str, str]:
    """Return the settings of a single combined node.

    Args:
        bind: The interface to listen on.
        advertised: Where clients reach the broker, ``host:port``.
        port: The port for clients.
        controller_port: The port for the node's own controller.
    """
    return {
        **FOR_TESTS,
        "process.roles": "broker,controller",
        "node.id": "1",
        "listeners": f"PLAINTEXT://{bind}:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{advertised}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
    }


def proxied(settings: Mapping[str, str], port: int, advertised: str) -> dict[str, str]:
    """Return a node's settings with a second listener, for clients that come through a proxy.

    A broker names to each client the address that belongs to the listener it was asked on, so who came through the
    proxy stays with it. Other brokers come directly.

    Args:
        settings: Those of ``node``.
        port: The listener's port of 127.0.0.1.
        advertised: The proxy's ``host:port``.
    """
    return {
        **settings,
        "listeners": f"{settings['listeners']},PROXIED://127.0.0.1:{port}",
        "advertised.listeners": f"{settings['advertised.listeners']},PROXIED://{advertised}",
        "listener.security.protocol.map": f"{settings['listener.security.protocol.map']},PROXIED:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
    }
