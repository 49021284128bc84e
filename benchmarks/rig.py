"""What one measurement runs on: topics and a database of its own, and a worker with default settings as a process."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self
from urllib.request import urlopen

import psycopg

from agents.commands.kafka import sending
from agents.settings import load_settings
from benchmarks.loads import Message
from pipeline.sinks.migrations import migrate
from tests.servers.child_process import spawn
from tests.servers.ports import free_port

REPOSITORY = Path(__file__).parent.parent
PATIENCE_S = 600.0

Figures = dict[str, float | None]


class Servers(NamedTuple):
    """What all measurements share. ``pids`` has "postgres", and "broker" where that is a process here."""

    bootstrap: str
    database_url: str
    pids: Mapping[str, int]
    folder: Path


@dataclass(frozen=True)
class Rig:
    """One measurement's topics and database."""

    name: str
    servers: Servers
    environment: Mapping[str, str]

    @classmethod
    def prepare(cls, name: str, servers: Servers, **settings: str) -> Self:
        """Make the database; the topics come with the first record. ``settings`` are not left at their defaults."""
        url = _new_database(servers.database_url, name)
        return cls(name, servers, _environment(name, servers, url) | settings)

    @property
    def database_url(self) -> str:
        """Where the measurement's own database is."""
        return self.environment["HXI_DATABASE_URL"]

    @property
    def events_topic(self) -> str:
        """The topic that the worker reads."""
        return self.environment["HXI_EVENTS_TOPIC"]

    @property
    def app_id(self) -> str:
        """What the names of the measurement's own topics begin with."""
        return self.environment["HXI_APP_ID"]

    @property
    def topics(self) -> set[str]:
        """The topics that the worker is given."""
        return {
            value for name, value in self.environment.items() if name.startswith("HXI_") and name.endswith("_TOPIC")
        }

    def publish(self, messages: Iterable[Message]) -> int:
        """Publish as fast as the broker takes it; return how many records that made."""
        records = 0
        with sending(load_settings(self.environment)) as send:
            for message in messages:
                send(self.events_topic, *message)
                records += 1
        return records

    @contextmanager
    def worker(self) -> Iterator["Worker"]:
        """Give a worker that has begun to read."""
        log = self.servers.folder / f"{self.name}-{time.monotonic_ns()}.log"
        process = spawn([sys.executable, "-m", "agents", "worker"], log, env=self.environment, cwd=REPOSITORY)
        worker = Worker(process, log, self.database_url, int(self.environment["HXI_WEB_PORT"]))
        try:
            worker.wait_until_reading()
            yield worker
        finally:
            process.terminate()
            process.wait(30)


class Worker:
    """A worker as a process of its own."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path, database_url: str, web_port: int) -> None:
        self._process = process
        self._log = log
        self._database_url = database_url
        self._web_port = web_port
        self.pid = process.pid

    def wait_until_reading(self) -> None:
        """Wait until it has claimed its partitions."""
        deadline = time.monotonic() + PATIENCE_S
        while b"Reading " not in self._log.read_bytes():
            self._check(deadline)
            time.sleep(0.005)

    def wait_until_written(self, records: int) -> None:
        """Wait until the ledger stands at ``records``, all partitions together."""
        deadline = time.monotonic() + PATIENCE_S
        with psycopg.connect(self._database_url, autocommit=True) as connection:
            while connection.execute("SELECT sum(next_offset) FROM hxi_state.ledger").fetchall() != [(records,)]:
                self._check(deadline)
                time.sleep(0.02)

    def wait_until_counted(self, events: int) -> None:
        """Wait until its metrics tell of ``events``: they come a moment after the commit."""
        deadline = time.monotonic() + PATIENCE_S
        while self.metric("hxi_received_total") < events:
            self._check(deadline)
            time.sleep(0.02)

    def metric(self, name: str) -> float:
        """Return a metric without labels, as ``/metrics`` says it now."""
        with urlopen(f"http://127.0.0.1:{self._web_port}/metrics", timeout=30) as response:
            found = re.search(rf"^{name} (\S+)$", response.read().decode(), re.MULTILINE)
        if found is None:
            raise SystemExit(f"the worker has no metric {name}")
        return float(found[1])

    def _check(self, deadline: float) -> None:
        if self._process.poll() is not None or time.monotonic() > deadline:
            said = self._log.read_text("utf-8", "replace")
            raise SystemExit(f"the worker ended, or took too long; it said:\n{said}")


def say(what: str) -> None:
    """Tell whoever waits what is being done."""
    print(what, file=sys.stderr, flush=True)


def _environment(name: str, servers: Servers, database_url: str) -> dict[str, str]:
    """Everything else is left at its default."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("HXI_")}
    app_id = f"bench-{os.getpid()}-{name}"
    return inherited | {
        "HXI_KAFKA_BOOTSTRAP": servers.bootstrap,
        "HXI_DATABASE_URL": database_url,
        "HXI_APP_ID": app_id,
        "HXI_EVENTS_TOPIC": f"{app_id}-events",
        "HXI_REPLAY_TOPIC": f"{app_id}-replay",
        "HXI_DEAD_LETTER_TOPIC": f"{app_id}-dead-letter",
        "HXI_DATA_DIR": str(servers.folder / "data"),
        "HXI_WEB_PORT": str(free_port()),
    }


def _new_database(server_url: str, name: str) -> str:
    url = server_url.rpartition("/")[0] + f"/{name}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        migrate(url)
        connection.execute("CHECKPOINT")  # as before PostgreSQL alone: none is due from earlier measurements
    return url
