"""Three Apache Kafka brokers with everything on all of them, so that one may fail and nothing is lost or stops."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from kafka.protocol.metadata import MetadataRequest, MetadataResponse

from tests.servers.apache_kafka import ApacheKafka
from tests.servers.ports import free_port

T = TypeVar("T")

IN_SYNC_SECONDS: Final = 60.0
LEADER_SECONDS: Final = 30.0

_PATIENCE_SECONDS: Final = 1.0  # with one that may be paused
_METADATA_VERSION: Final = 8  # the last before topics have ids; it tells leader epochs

_THREE_TIMES: Final[Mapping[str, str]] = {
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.replication.factor": "3",
    "share.coordinator.state.topic.min.isr": "2",
}


class KafkaCluster:
    """The brokers 1, 2 and 3, each with a vote as a controller: one may be lost at any time, with two nothing goes on.

    A context manager, which starts them and ends them. A test may do to each of ``brokers`` what it likes.
    """

    def __init__(self, directory: Path, *, heap_megabytes: int = 320, jars: Path | None = None) -> None:
        """Choose the ports; nothing is written or started yet.

        Args:
            directory: For the brokers' directories, ``broker-1`` to ``broker-3``.
            heap_megabytes: The most heap that each of them may take.
            jars: Apache Kafka; fetched if not given.

        Raises:
            MavenUnavailable: If Java or Apache Kafka cannot be had.
        """
        ports = {number: free_port() for number in (1, 2, 3)}
        voters = ",".join(f"{number}@127.0.0.1:{port}" for number, port in ports.items())
        self.brokers = [
            ApacheKafka(
                directory / f"broker-{number}",
                settings={**_THREE_TIMES, "node.id": str(number), "controller.quorum.voters": voters},
                heap_megabytes=heap_megabytes,
                jars=jars,
                controller_port=port,
            )
            for number, port in ports.items()
        ]
        self.address = ",".join(broker.address for broker in self.brokers)

    def start(self) -> Self:
        """Start those that are not running, together, since none is ready before two are; wait until all are.

        Raises:
            BrokerFailed: If one ended or was not ready in time; then none is left running.
        """
        try:
            with ThreadPoolExecutor(len(self.brokers)) as threads:
                list(threads.map(ApacheKafka.start, [broker for broker in self.brokers if not broker.is_running]))
        except BaseException:
            self.kill()
            raise
        return self

    def kill(self) -> None:
        """End all as a power cut would."""
        for broker in self.brokers:
            broker.kill()

    def leader_of(self, topic: str, partition: int) -> ApacheKafka:
        """Return the broker that leads a partition, waiting until a running one does.

        After a kill that is another: 2 s later, or 5 s if it was the active controller as well. A paused broker counts
        as running, and is named until the others have noticed, as late.

        Raises:
            TimeoutError: If there was none in time, or no such partition.
        """

        def leader() -> ApacheKafka | None:
            told = [
                part
                for view in self._views()
                for named in view.topics
                for part in named.partitions
                if (named.name, part.partition_index) == (topic, partition)
            ]
            number = max(told, key=lambda part: int(part.leader_epoch)).leader_id if told else -1
            broker = self.brokers[number - 1] if number > 0 else None
            return broker if broker is not None and broker.is_running else None

        return _poll(leader, LEADER_SECONDS, f"partition {partition} of {topic} has no leader")

    def wait_until_in_sync(self, seconds: float = IN_SYNC_SECONDS) -> None:
        """Wait until all brokers answer, and agree that each partition of every topic has all its replicas in sync.

        Raises:
            TimeoutError: If they did not in time.
        """

        def in_sync() -> bool:
            views = self._views()
            parts = [part for view in views for topic in view.topics for part in topic.partitions]
            whole = all(len(part.isr_nodes) == len(part.replica_nodes) for part in parts)
            return whole and len(views) == len(self.brokers)

        _poll(in_sync, seconds, "not all replicas are in sync")

    def __enter__(self) -> Self:
        """Start the brokers."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the brokers at once: orderly, the last of them takes 6 s to find no controller to take leave of."""
        self.kill()

    def _views(self) -> list[Any]:
        """What each of the brokers that answer says of all topics."""
        views = []
        for broker in self.brokers:
            with suppress(OSError):
                views.append(_metadata(broker.address))
        return views


def _metadata(address: str) -> Any:
    """Ask one broker for its view of the cluster; raises OSError if it does not answer.

    Asked by hand because a client library asks whichever broker it likes, and waits 10 s for one that is paused.
    """
    request = MetadataRequest(topics=None, allow_auto_topic_creation=False, version=_METADATA_VERSION)
    request.with_header()
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), _PATIENCE_SECONDS) as connection:
        connection.sendall(request.encode(header=True, framed=True))
        with connection.makefile("rb") as answer:
            size = int.from_bytes(answer.read(4), "big")
            data = answer.read(size)
    if not size or len(data) < size:
        raise ConnectionError(f"{address} hung up")
    return MetadataResponse.decode(data, version=_METADATA_VERSION, header=True)


def _poll(ask: Callable[[], T | None], seconds: float, complaint: str) -> T:
    """Ask until there is an answer."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{complaint} after {seconds:.0f} s")
        time.sleep(0.05)
    return answer
