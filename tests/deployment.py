"""A deployment under test: topics and a database of its own, ``hxi`` as people run it, workers as processes."""

import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from operator import eq
from pathlib import Path
from typing import Any, Self
from urllib.request import urlopen

import psycopg
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from tests.roles import as_writer
from tests.servers.child_process import spawn
from tests.servers.ports import free_port

REPOSITORY = Path(__file__).parent.parent
RECORDED_SESSION = REPOSITORY / "tests/data/recorded-session.jsonl"
PATIENCE_S = 60.0

WORKER = ("agents", "worker")
OWNERS = ("migrate", "forget", "retention")

NOT_COMPARED = {"event_id", "id", "detected_at", "generated_at", "predicted_at"}
"""Serial ids and processing times: what two runs over the same topics may differ in."""

EVENT = "(SELECT (e.event_uuid, e.timestamp, e.event_type)::text FROM events AS e WHERE e.event_id = p.event_id)"
"""What tells the event that a prediction refers to from others, in every run."""

TABLES = (
    "users",
    "sessions",
    "events",
    "rage_click_events",
    "heatmap_points",
    "journey_steps",
    "latency_metrics",
    "emotion_predictions",
    "experience_scores",
    "session_replay_chunks",
    "error_logs",
)

_READS = re.compile(r"(\S+)\[(\d+)\] from \d+")
"""How a worker says of a partition that it reads it."""

Tables = dict[str, Counter[tuple[Any, ...]]]


def fresh_name(kind: str) -> str:
    """Return a name that nothing else has."""
    return f"{kind}-{uuid.uuid4().hex[:10]}"


def wait_until(condition: Callable[[], bool], what: str | Callable[[], str], patience_s: float = PATIENCE_S) -> None:
    """Poll until ``condition`` holds; fail with ``what`` when it does not in time."""
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"after {patience_s:g} s still not: {what if isinstance(what, str) else what()}")
        time.sleep(0.05)


class WorkerProcess:
    """``hxi worker`` as a process of its own; ``module``: what Python runs instead, and its arguments."""

    def __init__(self, environment: Mapping[str, str], log: Path, module: Sequence[str] = WORKER) -> None:
        self.log = log
        self.was_told_to_end = False
        self.web_port = int(environment["HXI_WEB_PORT"])
        self._process = spawn([sys.executable, "-m", *module], log, env=environment, cwd=REPOSITORY)

    @property
    def name(self) -> str:
        return self.log.stem

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, and prove that this is what ended it."""
        self.was_told_to_end = True
        self._process.kill()
        assert self._process.wait(10) == -signal.SIGKILL

    def terminate(self, patience_s: float = 10.0) -> int:
        """SIGTERM; return the exit code, which has to come within ``patience_s``."""
        self.was_told_to_end = True
        self._process.terminate()
        return self._process.wait(patience_s)

    def wait(self, patience_s: float = PATIENCE_S) -> int:
        return self._process.wait(patience_s)

    def said(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def wait_until_said(self, text: str, patience_s: float = PATIENCE_S) -> None:
        wait_until(lambda: text in self.said(), lambda: f"said {text!r}, but:\n{self.said()}", patience_s)

    def metric(self, name: str) -> float:
        """Return the sum of a metric's samples, as soon as the worker answers; fail when it does not in time."""
        answers: list[str] = []

        def answered() -> bool:
            address = f"http://127.0.0.1:{self.web_port}/metrics"
            with suppress(OSError, HTTPException), urlopen(address, timeout=5) as answer:
                answers.append(answer.read().decode())
            return bool(answers)

        wait_until(answered, f"{self.name} tells its metrics")
        lines = [line for line in answers[0].splitlines() if line.startswith(name)]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def wait_until_reading(self) -> None:
        wait_until(lambda: bool(self.claims()), lambda: f"{self.name} reads, but:\n{self.said()}")

    def claims(self) -> list[str]:
        """Return the lines in which the worker said which partitions it reads from then on."""
        return [line for line in self.said().splitlines() if _READS.search(line)]

    def reads(self) -> set[tuple[str, int]]:
        """Return the topics and partitions that the worker said last that it reads."""
        return {(topic, int(number)) for line in self.claims()[-1:] for topic, number in _READS.findall(line)}

    def partitions(self) -> int:
        """Return how many partitions the worker said last that it reads."""
        return len(self.reads())

    def close(self) -> None:
        if self.running:
            self._process.kill()
        self._process.wait(10)


@dataclass
class Deployment:
    """One application on one broker and one database, in which its workers may do no more than hxi_writer may.

    ``database_url`` is its owner's: who migrates, erases and looks at what came of it.
    """

    environment: dict[str, str]
    directory: Path
    database_url: str
    workers: list[WorkerProcess] = field(default_factory=list)

    @classmethod
    @contextmanager
    def open(cls, bootstrap: str, database_url: str, directory: Path, **settings: str) -> Iterator[Self]:
        """Give a deployment with names of its own, and end its workers afterwards."""
        name = fresh_name("t")
        own = {
            "HXI_KAFKA_BOOTSTRAP": bootstrap,
            "HXI_DATABASE_URL": as_writer(database_url),
            "HXI_APP_ID": name,
            "HXI_EVENTS_TOPIC": f"{name}-events",
            "HXI_REPLAY_TOPIC": f"{name}-replay",
            "HXI_DEAD_LETTER_TOPIC": f"{name}-dead",
            "HXI_DATA_DIR": str(directory / "data"),
            "HXI_FLUSH_INTERVAL_S": "0.2",
        } | settings
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("HXI_")}
        deployment = cls(inherited | own, directory, database_url)
        try:
            yield deployment
        finally:
            for worker in deployment.workers:
                worker.close()

    @property
    def bootstrap(self) -> str:
        return self.environment["HXI_KAFKA_BOOTSTRAP"]

    def topic(self, kind: str) -> str:
        """Return the name of the ``EVENTS``, ``REPLAY`` or ``DEAD_LETTER`` topic."""
        return self.environment[f"HXI_{kind}_TOPIC"]

    def beside(self, database_url: str) -> "Deployment":
        """Return another application on the same topics, with a database of its own."""
        own = {"HXI_APP_ID": fresh_name("beside"), "HXI_DATABASE_URL": as_writer(database_url)}
        return Deployment(self.environment | own, self.directory, database_url, self.workers)

    def hxi(
        self, *arguments: str | Path, stdin: bytes = b"", ok: bool = True, **settings: str
    ) -> subprocess.CompletedProcess[bytes]:
        """Run ``hxi`` and, unless told otherwise, insist that it succeeds; as the owner what only the owner may do."""
        if arguments[0] in OWNERS:
            settings = {"HXI_DATABASE_URL": self.database_url} | settings
        done = subprocess.run(
            [sys.executable, "-m", "agents", *map(str, arguments)],
            env=self.environment | settings,
            cwd=REPOSITORY,
            input=stdin,
            capture_output=True,
            timeout=300,
            check=False,
        )
        assert not ok or done.returncode == 0, done.stderr.decode()
        return done

    def start_worker(self, module: Sequence[str] = WORKER, **settings: str) -> WorkerProcess:
        """Start a worker; it reads a little later."""
        log = self.directory / f"worker-{len(self.workers)}.log"
        environment = self.environment | {"HXI_WEB_PORT": str(free_port())} | settings
        worker = WorkerProcess(environment, log, module)
        self.workers.append(worker)
        return worker

    def query(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(statement.encode(), parameters).fetchall()

    def deserters(self) -> list[str]:
        """Return the names of the workers that ended without being told to."""
        return [worker.name for worker in self.workers if not (worker.running or worker.was_told_to_end)]

    def count(self, table: str) -> int:
        return int(self.query(f"SELECT count(*) FROM {table}")[0][0])

    def ledger(self) -> dict[tuple[str, int], int]:
        """Return the next offset by topic and partition."""
        rows = self.query(
            "SELECT topic, partition, next_offset FROM hxi_state.ledger WHERE app_id = %s",
            self.environment["HXI_APP_ID"],
        )
        return {(topic, partition): offset for topic, partition, offset in rows}

    def group_offsets(self) -> dict[tuple[str, int], int]:
        """Return what the consumer group has acknowledged."""
        app_id = self.environment["HXI_APP_ID"]
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            offsets = admin.list_group_offsets(app_id)[app_id]
            return {(tp.topic, tp.partition): at.offset for tp, at in offsets.items() if at.offset >= 0}
        finally:
            admin.close()

    def has_moved_beyond(self, settled: int) -> bool:
        """Return whether more than ``settled`` records have been settled by now."""
        return sum(self.ledger().values()) > settled

    def ends(self) -> dict[tuple[str, int], int]:
        """Return the end offset of every partition of the source topics."""
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap)
        try:
            partitions = [
                TopicPartition(topic, number)
                for topic in (self.topic("EVENTS"), self.topic("REPLAY"))
                for number in consumer.partitions_for_topic(topic) or ()
            ]
            return {(tp.topic, tp.partition): end for tp, end in consumer.end_offsets(partitions).items()}
        finally:
            consumer.close()

    def wait_until_drained(self, patience_s: float = PATIENCE_S) -> None:
        """Wait until the ledger stands at the end of every partition."""
        ends = {place: end for place, end in self.ends().items() if end > 0}

        def drained() -> bool:
            assert any(worker.running for worker in self.workers), self._last_words()
            ledger = self.ledger()
            return all(ledger.get(place) == end for place, end in ends.items())

        wait_until(drained, lambda: f"drained to {ends}; workers said:\n{self._last_words()}", patience_s)
        wait_until(lambda: self.count("hxi_state.unjudged") == 0, "every session is judged")

    def tables(self) -> Tables:
        """Return every table's rows as a multiset, without what two runs may differ in."""
        return {table: self._rows(table) for table in (*TABLES, "latency_rollups", "hxi_state.user_agents")}

    def records(self, kind: str) -> list[Any]:
        """Return the committed records of the ``EVENTS``, ``REPLAY`` or ``DEAD_LETTER`` topic."""
        consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap,
            max_partition_fetch_bytes=16 * 1024 * 1024,
            isolation_level="read_committed",
            check_crcs=False,  # of large records, in Python, that takes longer than all else
        )
        try:
            topic = self.topic(kind)
            partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            ends = consumer.end_offsets(partitions)
            found: list[Any] = []
            deadline = time.monotonic() + PATIENCE_S
            while any(consumer.position(partition) < end for partition, end in ends.items()):
                assert time.monotonic() < deadline, f"{topic} was not read to its end, {ends}"
                for records in consumer.poll(timeout_ms=200).values():
                    found += records
            return found
        finally:
            consumer.close()

    def dead_letters(self) -> list[Any]:
        """Return the records of the dead-letter topic."""
        return self.records("DEAD_LETTER")

    def _rows(self, table: str) -> Counter[tuple[Any, ...]]:
        with psycopg.connect(self.database_url) as connection:
            cursor = connection.execute(f"SELECT * FROM {table} LIMIT 0".encode())
            names = [column.name for column in cursor.description or () if column.name not in NOT_COMPARED]
            columns = ", ".join(f'"{name}"::text' for name in names)
            if table == "emotion_predictions":
                columns, table = f"{columns}, {EVENT}", f"{table} AS p"
            return Counter(connection.execute(f"SELECT {columns} FROM {table}".encode()).fetchall())

    def _last_words(self) -> str:
        return "\n".join(worker.said()[-2000:] for worker in self.workers)


def assert_same_tables(actual: Tables, expected: Tables) -> None:
    """Compare table by table, showing a row that differs beside the one most like it."""
    problems = []
    for table, rows in expected.items():
        missing, extra = rows - actual[table], actual[table] - rows
        if missing:
            row = next(iter(missing))
            twin = max(extra, key=lambda other: sum(map(eq, row, other)), default=None)
            problems.append(f"{table} lacks {missing.total()} rows, such as\n  {row}\n  which is nearest to\n  {twin}")
        if extra:
            problems.append(f"{table} has {extra.total()} rows too many, such as\n  {next(iter(extra))}")
    assert not problems, "\n".join(problems)
