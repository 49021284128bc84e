"""A real Apache Kafka broker as a child process that a test may stop, kill, pause and bring back on the same data."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.servers.child_process import spawn
from tests.servers.kafka_from_maven import java, kafka_jars
from tests.servers.kafka_settings import CLUSTER_ID, node, proxied
from tests.servers.ports import free_port, speaks_kafka

# 3.5 s to 8 s were seen on two busy cores, the longer ones after a kill.
READY_SECONDS: Final = 90.0
STOP_SECONDS: Final = 30.0

# Quick to start rather than fast in the long run: with the first compiler alone it was ready in 4 s and not 6.5 s, and
# took 40 MB less.
_JVM: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xms64m", "-Dorg.slf4j.simpleLogger.showDateTime=true")


class BrokerFailed(RuntimeError):
    """The broker did not start; the text ends with the last lines of its log."""


class ApacheKafka:
    """One broker: its data, its ports and the process that may be running on them.

    A context manager, which starts it and stops it. Data and ports stay the same from one start to the next. Clients of
    ``address`` come directly. A proxy connects to ``proxied_port``, where nothing listens without ``proxied_as``.
    """

    def __init__(
        self,
        directory: Path,
        *,
        settings: Mapping[str, str] | None = None,
        users: Sequence[str] = (),
        heap_megabytes: int = 512,
        jars: Path | None = None,
        controller_port: int | None = None,
        proxied_as: str | None = None,
    ) -> None:
        """Choose the ports; nothing is written or started yet.

        Args:
            directory: For its data, its configuration and its log; made if missing.
            settings: Broker settings that add to or replace those of ``kafka_settings``.
            users: Whom it knows by SCRAM from the start, each as ``kafka-storage format --add-scram`` wants to have it.
            heap_megabytes: The most heap that Java may take.
            jars: Apache Kafka; fetched if not given.
            controller_port: The port of 127.0.0.1 for its controller, which the others of a cluster have to know.
            proxied_as: A proxy's ``host:port``, which is then all that its clients are ever told.

        Raises:
            MavenUnavailable: If Java or Apache Kafka cannot be had.
        """
        self.directory = directory
        self.log = directory / "broker.log"
        self._properties = directory / "server.properties"
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        self.proxied_port = free_port()
        self.settings = node("127.0.0.1", self.address, port, controller_port or free_port())
        if proxied_as is not None:
            self.settings = proxied(self.settings, self.proxied_port, proxied_as)
        self.settings |= {"log.dirs": str(directory / "data"), **(settings or {})}
        self._java: list[str | Path] = [java(), *_JVM, f"-Xmx{heap_megabytes}m", "-cp", f"{jars or kafka_jars()}/*"]
        self._users = [argument for user in users for argument in ("--add-scram", user)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process that runs now.

        Raises:
            RuntimeError: If none does.
        """
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError("the broker is not running")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether there is a process, be it paused or not ready yet."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start the broker and wait until it takes requests.

        Raises:
            BrokerFailed: If it ended or was not ready in time.
            RuntimeError: If it is running already.
        """
        if self.is_running:
            raise RuntimeError("the broker is running already")
        if not self._properties.exists():
            self._format()
        self._process = spawn([*self._java, "kafka.Kafka", self._properties], self.log)
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self) -> None:
        """End it as an operator would (SIGTERM), also if it is paused; nothing happens if it is not running."""
        if self._process is not None and self.is_running:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it as a crash would (SIGKILL) and wait until it is gone; nothing happens if it is not running."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def restart(self) -> Self:
        """Stop it if it is running and start it again on the same data and port."""
        self.stop()
        return self.start()

    def pause(self) -> None:
        """Freeze it (SIGSTOP): connections stay open and nothing answers."""
        pid = self.pid
        os.kill(pid, signal.SIGSTOP)
        if sys.platform == "linux":  # on a busy machine its threads go on for a while
            os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """Let a paused broker go on (SIGCONT)."""
        os.kill(self.pid, signal.SIGCONT)

    def __enter__(self) -> Self:
        """Start the broker."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the broker."""
        self.stop()

    def _format(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        unfinished = self._properties.with_suffix(".unformatted")
        unfinished.write_text("".join(f"{name}={value}\n" for name, value in self.settings.items()))
        command = [*self._java, "kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER_ID, "--config", unfinished]
        done = subprocess.run(
            [*command, *self._users], capture_output=True, text=True, timeout=READY_SECONDS, check=False
        )
        if done.returncode:
            raise BrokerFailed(f"the storage could not be formatted:\n{done.stdout}{done.stderr}")
        unfinished.rename(self._properties)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not speaks_kafka(self.address):
            if process.poll() is not None:
                raise BrokerFailed(f"the broker ended with {process.returncode}:\n{self.last_words()}")
            if time.monotonic() > deadline:
                raise BrokerFailed(f"the broker was not ready after {READY_SECONDS:.0f} s:\n{self.last_words()}")
            time.sleep(0.05)

    def last_words(self, lines: int = 30) -> str:
        """Return the last lines of the broker's log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
