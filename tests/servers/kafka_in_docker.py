"""Apache Kafka in Docker, where an engine answers. A client without an engine is found out in a second or two."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.servers.kafka_settings import CLUSTER_ID, kafka_version, node
from tests.servers.ports import free_port, wait_for_kafka

READY_SECONDS: Final = 90.0
ENGINE_SECONDS: Final = 2  # an engine on this machine answers in milliseconds

_PORT: Final = 9092


class DockerUnavailable(Exception):
    """Apache Kafka cannot be had from Docker here; the text says why in one sentence."""


def kafka_image() -> str:
    """Return the image of the same version that Maven would fetch."""
    return f"apache/kafka:{kafka_version()}"


def have_image() -> None:
    """Make sure that an engine answers and has the image, pulling it if need be.

    Raises:
        DockerUnavailable: If there is no engine, or it cannot have the image.
    """
    try:
        import docker
        import docker.errors
    except ImportError as error:
        raise DockerUnavailable("Docker's Python client is not installed") from error
    try:
        engine = docker.from_env(timeout=ENGINE_SECONDS)
        engine.ping()
        engine.close()
    except docker.errors.DockerException as error:
        raise DockerUnavailable("no Docker engine answers") from error
    try:
        engine = docker.from_env()
        try:
            engine.images.get(kafka_image())
        except docker.errors.ImageNotFound:
            engine.images.pull(kafka_image())
        engine.close()
    except (docker.errors.DockerException, OSError) as error:
        raise DockerUnavailable(f"Docker cannot have {kafka_image()}: {error}") from error


class KafkaInDocker:
    """The same broker, the same handles as ``ApacheKafka``, in a container that keeps its data between starts."""

    def __init__(self, directory: Path) -> None:
        """Describe the container; nothing is started yet.

        Args:
            directory: Where the log goes when the container is removed; the data stay in the container.
        """
        from testcontainers.core.container import DockerContainer

        self.log = directory / "broker.log"
        self._container = DockerContainer(kafka_image())
        port = free_port()
        self.address = f"{self._container.get_docker_client().host()}:{port}"
        settings = node("0.0.0.0", self.address, _PORT, _PORT + 1) | {"log.dirs": "/tmp/kafka-data"}
        self._container.with_bind_ports(_PORT, port).with_env("CLUSTER_ID", CLUSTER_ID)
        for name, value in settings.items():
            self._container.with_env("KAFKA_" + name.upper().replace(".", "_"), value)
        self._container.with_env("KAFKA_HEAP_OPTS", "-Xms64m -Xmx512m")
        self._made = False

    def start(self) -> Self:
        """Start the container, anew or again, and wait until the broker takes requests.

        Raises:
            DockerUnavailable: If the broker was not ready in time.
        """
        from docker.errors import DockerException
        from testcontainers.core.config import testcontainers_config

        if self._made:
            self._container.get_wrapped_container().start()
        else:
            # Its cleanup container is one more image that may not be there, and close() cleans up.
            testcontainers_config.ryuk_disabled = True
            try:
                self._container.start()
            except DockerException as error:
                raise DockerUnavailable(f"Docker could not start {kafka_image()}: {error}") from error
            self._made = True
        if not wait_for_kafka(self.address, READY_SECONDS):
            self.close()
            raise DockerUnavailable(f"the broker was not ready after {READY_SECONDS:.0f} s; see {self.log}")
        return self

    def stop(self) -> None:
        """End it as an operator would."""
        if self._made:
            self._container.get_wrapped_container().stop(timeout=30)

    def kill(self) -> None:
        """End it as a crash would."""
        self._container.get_wrapped_container().kill()

    def restart(self) -> Self:
        """Stop it and start it again on the same data and port."""
        self.stop()
        return self.start()

    def pause(self) -> None:
        """Freeze it."""
        self._container.get_wrapped_container().pause()

    def resume(self) -> None:
        """Let a paused broker go on."""
        self._container.get_wrapped_container().unpause()

    def close(self) -> None:
        """Keep its log and remove the container with its data."""
        if self._made:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self.log.write_bytes(b"".join(self._container.get_logs()))
            self._container.stop()
            self._made = False

    def __enter__(self) -> Self:
        """Start the broker."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the broker."""
        self.close()
