"""Decides which broker the tests run on, and remembers in plain words why not a better one. Starts none by itself.

In this order: the broker that ``HXI_TEST_KAFKA_BOOTSTRAP`` names, Apache Kafka from Maven, Apache Kafka in Docker, the
embedded broker. With ``HXI_TEST_REQUIRE_KAFKA=1`` the embedded broker is no answer. With ``HXI_TEST_IN_DOCKER=1``
nothing but a container is, for PostgreSQL neither.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol, Self, runtime_checkable

from tests.servers.apache_kafka import ApacheKafka
from tests.servers.kafka_from_maven import MavenUnavailable, java, kafka_jars
from tests.servers.kafka_in_docker import DockerUnavailable, KafkaInDocker, have_image
from tests.servers.kafka_settings import kafka_version
from tests.servers.ports import wait_for_kafka

BOOTSTRAP: Final = "HXI_TEST_KAFKA_BOOTSTRAP"
REQUIRE_KAFKA: Final = "HXI_TEST_REQUIRE_KAFKA"
IN_DOCKER: Final = "HXI_TEST_IN_DOCKER"
EXISTING_SECONDS: Final = 5.0


class Broker(Protocol):
    """A running broker."""

    @property
    def address(self) -> str:
        """Where clients reach it: ``host:port``, or several with commas."""


class EmbeddedServer(Broker, Protocol):
    """What starting the embedded broker returns."""

    def stop(self) -> object:
        """End it."""


@runtime_checkable
class KillableBroker(Protocol):
    """A broker of our own, to which a fault test may do harm. It keeps its data and its address."""

    @property
    def address(self) -> str:
        """Where clients reach it: ``host:port``."""

    def start(self) -> Self:
        """Start it on its data and wait until it takes requests."""

    def stop(self) -> None:
        """End it as an operator would."""

    def kill(self) -> None:
        """End it as a crash would."""

    def restart(self) -> Self:
        """Stop it and start it again."""

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing answers."""

    def resume(self) -> None:
        """Let it go on."""


class BrokerKind(StrEnum):
    """Where a broker can come from; the value is how to say it."""

    EXISTING = "the broker named by " + BOOTSTRAP
    MAVEN = "Apache Kafka from Maven"
    DOCKER = "Apache Kafka in Docker"
    EMBEDDED = "the embedded broker"


class NoBroker(RuntimeError):
    """No broker that would do can be had here; the text says why, one sentence for each that was tried."""


@dataclass(frozen=True)
class BrokerChoice:
    """Which broker it is, how to run one, and one sentence for each better one that could not be had."""

    kind: BrokerKind
    open: Callable[[Path], AbstractContextManager[Broker]]
    rejected: tuple[str, ...] = ()

    @property
    def is_apache_kafka(self) -> bool:
        """Whether the tests run on the real thing. A broker that somebody named is taken for it."""
        return self.kind is not BrokerKind.EMBEDDED

    @property
    def can_be_killed(self) -> bool:
        """Whether ``open`` gives a ``KillableBroker``."""
        return self.kind in {BrokerKind.MAVEN, BrokerKind.DOCKER}

    def report(self) -> list[str]:
        """Return the lines for the end of a test run."""
        lines = [f"Broker: {self.kind.value}" + (f" {kafka_version()}" if self.can_be_killed else "") + "."]
        if not self.is_apache_kafka:
            lines.append("NOT exercised: Apache Kafka itself, and every test that needs it.")
        return lines + [f"Not used: {sentence}" for sentence in self.rejected]


@dataclass(frozen=True)
class _Existing:
    address: str


def choose_broker(
    embedded: Callable[[Path], EmbeddedServer] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> BrokerChoice:
    """Return the best broker to be had here; the first time this may fetch Apache Kafka.

    Args:
        embedded: Starts the embedded broker on a directory.
        environment: Where the settings are read.

    Raises:
        NoBroker: If there is none, or none that is required, or the one that was named does not answer.
    """
    if address := environment.get(BOOTSTRAP):
        if not wait_for_kafka(address, EXISTING_SECONDS):
            raise NoBroker(f"{BOOTSTRAP} names {address}, and no Kafka broker answers there.")
        return BrokerChoice(BrokerKind.EXISTING, lambda _: nullcontext(_Existing(address)))
    if demanded(IN_DOCKER, environment):
        try:
            return BrokerChoice(BrokerKind.DOCKER, _in_docker())
        except DockerUnavailable as reason:
            raise NoBroker(f"{IN_DOCKER} is set, and Apache Kafka cannot be had there: {reason}.") from reason
    rejected: list[str] = []
    for kind, offer in ((BrokerKind.MAVEN, _from_maven), (BrokerKind.DOCKER, _in_docker)):
        try:
            return BrokerChoice(kind, offer(), tuple(rejected))
        except (MavenUnavailable, DockerUnavailable) as reason:
            rejected.append(f"{kind.value}: {reason}.")
    if demanded(REQUIRE_KAFKA, environment):
        raise NoBroker(" ".join([f"{REQUIRE_KAFKA} is set, and Apache Kafka cannot be had.", *rejected]))
    if embedded is None:
        raise NoBroker(" ".join(["No broker can be had.", *rejected]))
    return BrokerChoice(BrokerKind.EMBEDDED, _embedded(embedded), tuple(rejected))


def demanded(name: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether one of the two yes-or-no settings is on."""
    return environment.get(name, "0") not in {"", "0"}


def _from_maven() -> Callable[[Path], AbstractContextManager[Broker]]:
    java()
    jars = kafka_jars()
    return lambda directory: ApacheKafka(directory, jars=jars)


def _in_docker() -> Callable[[Path], AbstractContextManager[Broker]]:
    have_image()
    return KafkaInDocker


def _embedded(start: Callable[[Path], EmbeddedServer]) -> Callable[[Path], AbstractContextManager[Broker]]:
    @contextmanager
    def opened(directory: Path) -> Iterator[Broker]:
        server = start(directory)
        try:
            yield server
        finally:
            server.stop()

    return opened
