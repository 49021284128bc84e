"""What Kafka's ACLs forbid: the doctor names it and the command that allows it, the worker says so and waits."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import HTTPError, urlopen

import psycopg
import pytest
from kafka import KafkaProducer

from agents.embedded import Postgres
from tests.deployment import Deployment, WorkerProcess, wait_until
from tests.servers import acls
from tests.servers.apache_kafka import ApacheKafka

SESSION = "5f0c9a52-5c0f-4b4e-9d3f-2f4b8a1c7e10"


@pytest.fixture(scope="module")
def strict(jars: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    """A broker that forbids what it is told to."""
    directory = tmp_path_factory.mktemp("strict")
    with ApacheKafka(directory, jars=jars, settings=acls.SETTINGS, heap_megabytes=256) as running:
        yield running


@pytest.fixture
def deployment(strict: ApacheKafka, database_url: str, tmp_path: Path) -> Iterator[Deployment]:
    with Deployment.open(strict.address, database_url, tmp_path, HXI_TOPIC_PARTITIONS="1") as running:
        yield running


def click() -> bytes:
    event = {"session_id": SESSION, "event_type": "click", "timestamp": int(time.time() * 1000)}
    return json.dumps(event).encode()


def send(deployment: Deployment, *values: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap)
    for value in values:
        producer.send(deployment.topic("EVENTS"), value)
    producer.close()


def readiness(worker: WorkerProcess) -> str:
    try:
        with urlopen(f"http://127.0.0.1:{worker.web_port}/readyz", timeout=5) as answer:
            return str(answer.read().decode())
    except HTTPError as error:
        return error.read().decode()


def named(deployment: Deployment, kind: str) -> str:
    return deployment.environment["HXI_APP_ID"] if kind == "group" else deployment.topic(kind)


@pytest.mark.parametrize(
    ("operation", "kind", "waiting"),
    [
        ("Read", "group", "Joining the group"),
        ("Read", "EVENTS", "Reading"),
        ("Write", "DEAD_LETTER", "Sending 1 dead letters"),
    ],
)
def test_what_is_forbidden_is_named_by_the_doctor_and_waited_for_by_the_worker(
    deployment: Deployment, operation: str, kind: str, waiting: str
) -> None:
    deployment.start_worker().wait_until_reading()
    deployment.workers[0].terminate()
    assert deployment.hxi("doctor").returncode == 0
    name = named(deployment, kind)
    with acls.forbidding(deployment.bootstrap, operation, "group" if kind == "group" else "topic", name):
        doctor = deployment.hxi("doctor", ok=False)
        assert doctor.returncode == 1
        (failed,) = (line for line in doctor.stdout.decode().splitlines() if line.startswith("FAIL"))
        assert failed.startswith("FAIL  acls")
        assert f"--operation {operation} --{'group' if kind == 'group' else 'topic'} '{name}'" in failed
        worker = deployment.start_worker()
        send(deployment, b"{}", click())
        worker.wait_until_said(f"{waiting}")
        worker.wait_until_said("an administrator has to allow it: hxi doctor says by which kafka-acls.sh command")
        wait_until(lambda: "the broker forbids it; what waits for it" in readiness(worker), "readyz says why not")
        assert worker.metric("hxi_retries_total{") > 0
        assert worker.running
        assert "Traceback" not in worker.said()
    deployment.wait_until_drained()
    assert deployment.count("events") == 1
    wait_until(lambda: readiness(worker) == "ready\n", lambda: f"ready, but {readiness(worker)}")


def test_a_topic_that_may_not_be_seen_is_not_said_to_be_missing(deployment: Deployment) -> None:
    deployment.start_worker().wait_until_reading()
    with acls.forbidding(deployment.bootstrap, "Describe", "topic", deployment.topic("EVENTS")):
        said = deployment.hxi("doctor", ok=False).stdout.decode()
    assert f"the brokers forbid Describe on topic {deployment.topic('EVENTS')}" in said
    assert "missing" not in said


def test_how_large_records_may_be_is_not_guessed(deployment: Deployment) -> None:
    deployment.start_worker().wait_until_reading()
    topic = deployment.topic("DEAD_LETTER")
    with acls.forbidding(deployment.bootstrap, "Describe_Configs", "topic", topic):
        said = deployment.hxi("doctor").stdout.decode()
    assert "does not tell how large their records may be" in said
    assert "no room" not in said


def test_rights_that_are_taken_from_a_running_worker_are_waited_for(deployment: Deployment) -> None:
    worker = deployment.start_worker()
    worker.wait_until_reading()
    with psycopg.connect(deployment.database_url) as connection:
        connection.execute("REVOKE INSERT ON events FROM hxi_writer")
    send(deployment, click())
    worker.wait_until_said("permission denied for table events; a worker's login has to be a member of hxi_writer")
    assert "the database forbids it" in readiness(worker)
    assert "Traceback" not in worker.said()
    with psycopg.connect(deployment.database_url) as connection:
        connection.execute("GRANT INSERT ON events TO hxi_writer")
    deployment.wait_until_drained()
    assert deployment.count("events") == 1


def test_a_broker_that_sends_clients_to_where_nobody_listens_is_named(
    jars: Path, postgres: Postgres, database_url: str, tmp_path: Path
) -> None:
    broker = ApacheKafka(tmp_path / "kafka", jars=jars, heap_megabytes=256)
    broker.settings["advertised.listeners"] = "PLAINTEXT://127.0.0.1:1"
    with broker, Deployment.open(broker.address, database_url, tmp_path) as deployment:
        said = f"broker 1 cannot be reached at 127.0.0.1:1 (Connection refused): {broker.address} answers, and tells"
        assert said in deployment.hxi("doctor", ok=False).stdout.decode()
        deployment.start_worker().wait_until_said(said)
