"""One partition without a leader keeps no other from being claimed, read, and asked how far behind it is."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaProducer

from tests.acceptance.test_health import CLICK, SESSION, ask, lag_s, values
from tests.deployment import Deployment, WorkerProcess, wait_until
from tests.servers.kafka_cluster import KafkaCluster

PARTITIONS = 3


@pytest.fixture
def unreplicated(cluster: KafkaCluster, database_url: str, tmp_path: Path) -> Iterator[Deployment]:
    """A deployment whose partitions are on one broker each."""
    with Deployment.open(cluster.address, database_url, tmp_path) as deployment:
        admin = KafkaAdminClient(bootstrap_servers=cluster.address)
        sizes = {
            deployment.topic(kind): {"num_partitions": PARTITIONS, "replication_factor": copies}
            for kind, copies in {"EVENTS": 1, "REPLAY": 3, "DEAD_LETTER": 3}.items()
        }
        admin.create_topics(sizes, wait_for_metadata=True)
        admin.close()
        yield deployment


def send(deployment: Deployment, partition: int) -> None:
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap)
    producer.send(deployment.topic("EVENTS"), json.dumps(CLICK).encode(), SESSION.encode(), partition=partition)
    producer.close()


def heard(worker: WorkerProcess, deployment: Deployment, partition: int) -> float:
    """Return when a broker last told where a partition ends."""
    return values(worker, "hxi_lag_refreshed_timestamp_seconds")[str(partition), deployment.topic("EVENTS")]


@pytest.mark.timeout(240)
def test_a_partition_without_a_leader_stops_no_other(unreplicated: Deployment, cluster: KafkaCluster) -> None:
    topic = unreplicated.topic("EVENTS")
    leaders = {number: cluster.leader_of(topic, number) for number in range(PARTITIONS)}
    alone = next(number for number in leaders if list(leaders.values()).count(leaders[number]) == 1)
    another = next(number for number in leaders if number != alone)
    settings = {"HXI_TOPIC_PARTITIONS": str(PARTITIONS)}
    before = unreplicated.start_worker(**settings)
    before.wait_until_reading()
    for number in leaders:
        send(unreplicated, number)
    unreplicated.wait_until_drained()
    wait_until(lambda: lag_s(before, unreplicated) == dict.fromkeys(leaders, 0.0), "nothing is left")

    leaders[alone].kill()
    wait_until(lambda: math.isnan(lag_s(before, unreplicated)[alone]), "it is unknown what is left of one")
    said = unreplicated.hxi("doctor", ok=False).stdout.decode()
    assert f"FAIL  partitions {topic}[{alone}] without a leader: " in said
    assert "ok    stamps " in said, "the others tell"
    assert "ok    ledger " in said
    asked = heard(before, unreplicated, another)
    wait_until(lambda: heard(before, unreplicated, another) > asked, "the others are told")
    assert lag_s(before, unreplicated)[another] == 0
    send(unreplicated, another)
    wait_until(lambda: unreplicated.ledger()[topic, another] == 2, "the others are read")
    assert f"{topic}[{alone}]" in ask(before, "/readyz")[1]
    assert before.terminate() == 0

    after = unreplicated.start_worker(**settings)
    send(unreplicated, another)
    wait_until(
        lambda: unreplicated.ledger()[topic, another] == 3,
        lambda: f"the others are claimed and read:\n{after.said()}",
    )
    assert (topic, alone) not in after.reads()
    assert f"{topic}[{alone}]" in ask(after, "/readyz")[1]
    assert ask(after, "/livez") == (200, "alive\n")

    leaders[alone].start()
    send(unreplicated, alone)
    send(unreplicated, another)
    unreplicated.wait_until_drained()
    assert unreplicated.ledger()[topic, alone] == 2
    assert after.reads() == {(topic, alone)}, "claimed by itself"
    wait_until(lambda: lag_s(after, unreplicated) == dict.fromkeys(leaders, 0.0), "nothing is left")
    wait_until(lambda: ask(after, "/readyz") == (200, "ready\n"), "it is ready")
    assert "reading again" not in after.said()
    assert unreplicated.count("events") == 3 + 1 + 1 + 2, "each once"
