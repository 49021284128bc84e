"""The tests' own Apache Kafka: it keeps records over a crash, dies with the tests, and is soon known to be absent."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import psutil
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from tests.servers import choice, kafka_from_maven
from tests.servers.apache_kafka import ApacheKafka, BrokerFailed
from tests.servers.choice import BrokerKind, KillableBroker, NoBroker, choose_broker
from tests.servers.kafka_from_maven import CACHE, MavenUnavailable, kafka_jars
from tests.servers.kafka_in_docker import DockerUnavailable
from tests.servers.ports import free_port, speaks_kafka

pytestmark = pytest.mark.timeout(240)

ROOT: Final = CACHE.parent
RECORDS: Final = [b"first", b"second", b"third"]

needs_maven = pytest.mark.skipif(shutil.which("mvn") is None, reason="there is no mvn to be misled")


@pytest.fixture(scope="module")
def broker(jars: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    """One broker for all tests here; each leaves it running."""
    with ApacheKafka(tmp_path_factory.mktemp("kafka"), jars=jars) as running:
        yield running


@pytest.fixture
def topic(broker: ApacheKafka) -> str:
    """A topic of one partition that holds the records. Its clients are closed: no test kills a broker under them."""
    name = f"records-{uuid.uuid4()}"
    make_topic(broker.address, name)
    with KafkaProducer(bootstrap_servers=broker.address, acks="all") as producer:
        for record in RECORDS:
            producer.send(name, record).get(timeout=30)
    return name


def make_topic(address: str, name: str, **limits: str) -> None:
    """Make a topic of one partition."""
    admin = KafkaAdminClient(bootstrap_servers=address)
    options = {"num_partitions": 1, "replication_factor": 1, "configs": limits}
    try:
        admin.create_topics({name: options}, wait_for_metadata=True)
    finally:
        admin.close()


def read_all(address: str, topic: str) -> list[bytes]:
    """Read the topic's one partition from its start to its present end."""
    partition = TopicPartition(topic, 0)
    consumer = KafkaConsumer(bootstrap_servers=address, consumer_timeout_ms=30_000)
    try:
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        end = consumer.end_offsets([partition])[partition]
        return [next(consumer).value for _ in range(end)]
    finally:
        consumer.close()


def eventually(true: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Poll until a condition holds; tell whether it did in time."""
    deadline = time.monotonic() + seconds
    while not (held := true()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return held


def test_what_is_produced_is_consumed(broker: ApacheKafka, topic: str) -> None:
    assert read_all(broker.address, topic) == RECORDS


def test_records_survive_a_kill_and_a_restart_on_the_same_port(broker: ApacheKafka, topic: str) -> None:
    address, killed = broker.address, broker.pid
    broker.kill()
    assert not psutil.pid_exists(killed)
    assert not speaks_kafka(address)
    broker.start()
    assert broker.pid != killed
    assert read_all(address, topic) == RECORDS


def test_records_survive_an_orderly_restart(broker: ApacheKafka, topic: str) -> None:
    stopped = broker.pid
    broker.restart()
    assert broker.pid != stopped
    assert read_all(broker.address, topic) == RECORDS


def test_a_paused_broker_is_silent_and_goes_on_when_resumed(broker: ApacheKafka, topic: str) -> None:
    broker.pause()
    try:
        assert broker.is_running
        assert not speaks_kafka(broker.address)
    finally:
        broker.resume()
    assert eventually(lambda: speaks_kafka(broker.address))
    assert read_all(broker.address, topic) == RECORDS


def test_expired_records_are_removed_within_seconds(broker: ApacheKafka) -> None:
    partition = TopicPartition(f"short-{uuid.uuid4()}", 0)
    make_topic(broker.address, partition.topic, **{"retention.ms": "1", "segment.ms": "100"})
    consumer = KafkaConsumer(bootstrap_servers=broker.address)
    with KafkaProducer(bootstrap_servers=broker.address) as producer:
        producer.send(partition.topic, b"gone soon").get(timeout=30)
    assert consumer.end_offsets([partition])[partition] == 1
    assert eventually(lambda: bool(consumer.beginning_offsets([partition])[partition] == 1))
    consumer.close()


def test_a_broker_that_cannot_start_says_why(jars: Path, tmp_path: Path) -> None:
    broken = ApacheKafka(tmp_path / "kafka", jars=jars, settings={"num.io.threads": "none"})
    with pytest.raises(BrokerFailed, match=r"num\.io\.threads"):
        broken.start()
    assert not broken.is_running


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills a child with its parent")
def test_a_broker_dies_with_its_killed_tests(jars: Path, tmp_path: Path) -> None:
    script = (
        "import sys, threading\nfrom pathlib import Path\nfrom tests.servers.apache_kafka import ApacheKafka\n"
        "broker = ApacheKafka(Path(sys.argv[1]), jars=Path(sys.argv[2]))\n"
        "starter = threading.Thread(target=broker.start)\nstarter.start()\nstarter.join()\n"
        "print(broker.pid, flush=True)\nsys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "kafka"), str(jars)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as tests:
        assert tests.stdout is not None
        pid = int(tests.stdout.readline())
        assert psutil.Process(pid).is_running()  # although the thread that started it is gone
        assert os.getsid(pid) != os.getsid(tests.pid)  # the terminal's Ctrl-C goes elsewhere
        tests.send_signal(signal.SIGKILL)
    assert eventually(lambda: not _is_alive(pid))


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def misled_maven(tmp_path: Path) -> Callable[[int], list[str]]:
    """Arguments that send Maven to a port of this machine, with nothing fetched before."""

    def arguments(port: int) -> list[str]:
        settings = tmp_path / "settings.xml"
        mirror = f"<mirror><id>m</id><mirrorOf>*</mirrorOf><url>http://127.0.0.1:{port}/</url></mirror>"
        settings.write_text(f"<settings><mirrors>{mirror}</mirrors></settings>")
        return ["-s", str(settings), f"-Dmaven.repo.local={tmp_path / 'repository'}"]

    return arguments


@needs_maven
def test_a_maven_repository_that_refuses_is_given_up_within_seconds(
    tmp_path: Path, misled_maven: Callable[[int], list[str]]
) -> None:
    started = time.monotonic()
    with pytest.raises(MavenUnavailable, match="Connection refused"):
        kafka_jars(tmp_path / "cache", misled_maven(free_port()))
    assert time.monotonic() - started < 30  # 2 s on an idle machine


@needs_maven
def test_a_maven_repository_that_never_answers_is_given_up_within_seconds(
    tmp_path: Path, misled_maven: Callable[[int], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_from_maven, "FIRST_ANSWER_SECONDS", 3.0)
    started = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(MavenUnavailable, match="did not answer"):
            kafka_jars(tmp_path / "cache", misled_maven(silent.getsockname()[1]))
        silent.settimeout(0)
        silent.accept()[0].close()  # it was asked
    assert time.monotonic() - started < 28  # well before Maven's own patience of 30 s for one answer
    assert not list((tmp_path / "cache").glob("kafka-*/"))


def _neither(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_java() -> Path:
        raise MavenUnavailable("there is no java")

    def no_engine() -> None:
        raise DockerUnavailable("no Docker engine answers")

    monkeypatch.setattr(choice, "java", no_java)
    monkeypatch.setattr(choice, "have_image", no_engine)


class _Embedded:
    address = "127.0.0.1:1"
    stopped = False

    def stop(self) -> None:
        self.stopped = True


def test_the_report_says_what_was_not_exercised_and_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _neither(monkeypatch)
    server = _Embedded()
    chosen = choose_broker(lambda _: server, {})
    with chosen.open(tmp_path) as running:
        assert running.address == server.address
    assert server.stopped
    assert chosen.kind is BrokerKind.EMBEDDED
    assert chosen.report() == [
        "Broker: the embedded broker.",
        "NOT exercised: Apache Kafka itself, and every test that needs it.",
        "Not used: Apache Kafka from Maven: there is no java.",
        "Not used: Apache Kafka in Docker: no Docker engine answers.",
    ]


def test_the_embedded_broker_is_no_answer_where_kafka_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    _neither(monkeypatch)
    with pytest.raises(NoBroker, match=r"no java.*no Docker engine"):
        choose_broker(lambda _: _Embedded(), {choice.REQUIRE_KAFKA: "1"})


def test_what_has_to_be_in_docker_is_not_looked_for_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "have_image", lambda: None)
    assert choose_broker(None, {choice.IN_DOCKER: "1"}).kind is BrokerKind.DOCKER
    _neither(monkeypatch)
    with pytest.raises(NoBroker, match="no Docker engine answers"):
        choose_broker(lambda _: _Embedded(), {choice.IN_DOCKER: "1"})


def test_a_named_broker_that_does_not_answer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "EXISTING_SECONDS", 0.2)
    with pytest.raises(NoBroker, match="no Kafka broker answers"):
        choose_broker(None, {choice.BOOTSTRAP: f"127.0.0.1:{free_port()}"})


def test_a_named_broker_is_used_as_it_is(broker: ApacheKafka, tmp_path: Path) -> None:
    chosen = choose_broker(None, {choice.BOOTSTRAP: broker.address})
    with chosen.open(tmp_path) as named:
        assert named.address == broker.address
        assert not isinstance(named, KillableBroker)


def test_our_own_broker_is_killable(jars: Path, tmp_path: Path) -> None:
    chosen = choose_broker(None, {})
    assert chosen.kind is BrokerKind.MAVEN
    assert chosen.can_be_killed
    assert isinstance(chosen.open(tmp_path), KillableBroker)
