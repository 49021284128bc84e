"""The tests' Apache Kafka of three brokers outlives each of them, and one behind a proxy stays behind it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from tests.servers.apache_kafka import ApacheKafka
from tests.servers.kafka_cluster import KafkaCluster
from tests.servers.ports import speaks_kafka
from tests.servers.proxy import Proxy

pytestmark = pytest.mark.timeout(240)

PARTITIONS: Final = 3


@pytest.fixture(scope="module")
def cluster(jars: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    """One cluster for all tests here; each leaves it whole."""
    with KafkaCluster(tmp_path_factory.mktemp("cluster"), jars=jars) as running:
        yield running


@pytest.fixture
def topic(cluster: KafkaCluster) -> str:
    """A topic of three partitions, with everything else as the cluster has it."""
    name = f"records-{uuid.uuid4()}"
    make_topic(cluster.address, name, PARTITIONS)
    return name


def make_topic(address: str, name: str, partitions: int) -> None:
    """Make a topic that is replicated as the brokers do by default."""
    admin = KafkaAdminClient(bootstrap_servers=address)
    try:
        admin.create_topics({name: {"num_partitions": partitions}}, wait_for_metadata=True)
    finally:
        admin.close()


def write(address: str, topic: str, record: bytes) -> None:
    """Write a record into partition 0; return when all brokers that count have it."""
    with KafkaProducer(bootstrap_servers=address, acks="all") as producer:
        producer.send(topic, record, partition=0).get(timeout=30)


def read(address: str, topic: str) -> list[bytes]:
    """Read partition 0 from its start to its present end."""
    partition = TopicPartition(topic, 0)
    consumer = KafkaConsumer(bootstrap_servers=address, consumer_timeout_ms=30_000)
    try:
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        return [next(consumer).value for _ in range(consumer.end_offsets([partition])[partition])]
    finally:
        consumer.close()


def test_three_brokers_share_the_partitions_and_all_hold_them(cluster: KafkaCluster, topic: str) -> None:
    cluster.wait_until_in_sync()
    assert [speaks_kafka(address) for address in cluster.address.split(",")] == [True] * 3
    leaders = [cluster.leader_of(topic, partition) for partition in range(PARTITIONS)]
    assert set(leaders) == set(cluster.brokers)
    leaders[0].pause()
    try:
        with pytest.raises(TimeoutError, match="not all replicas"):
            cluster.wait_until_in_sync(seconds=0)
    finally:
        leaders[0].resume()


def test_another_broker_leads_when_the_leader_is_killed_and_no_record_is_lost(
    cluster: KafkaCluster, topic: str
) -> None:
    write(cluster.address, topic, b"before")
    killed = cluster.leader_of(topic, 0)
    killed.kill()
    assert cluster.leader_of(topic, 0) is not killed
    write(cluster.address, topic, b"without it")
    with pytest.raises(TimeoutError, match="not all replicas"):
        cluster.wait_until_in_sync(seconds=0)
    killed.start()
    cluster.wait_until_in_sync()
    assert read(cluster.address, topic) == [b"before", b"without it"]


def test_clients_that_come_through_the_proxy_stay_behind_it_and_others_do_not(jars: Path, tmp_path: Path) -> None:
    with (
        Proxy() as proxy,
        ApacheKafka(tmp_path / "kafka", jars=jars, proxied_as=proxy.address) as broker,
    ):
        proxy.target_port = broker.proxied_port
        make_topic(broker.address, "records", 1)
        assert brokers_named_by(broker.address) == {broker.address}
        assert proxy.passed_bytes == 0
        assert brokers_named_by(proxy.address) == {proxy.address}
        write(proxy.address, "records", b"x" * 10_000)
        assert proxy.passed_bytes > 10_000
        assert read(broker.address, "records") == [b"x" * 10_000]


def brokers_named_by(address: str) -> set[str]:
    """Return what the client of an address is told that the brokers' addresses are."""
    admin = KafkaAdminClient(bootstrap_servers=address)
    try:
        return {f"{broker['host']}:{broker['port']}" for broker in admin.describe_cluster()["brokers"]}
    finally:
        admin.close()
