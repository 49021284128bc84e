"""``hxi doctor`` compares the ledger with the topics: whether one was made again, cut off, or is another broker's."""

from contextlib import closing

import psycopg
import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from tests.deployment import Deployment

RECORDS = 5


@pytest.fixture
def running(deployment: Deployment) -> Deployment:
    """A deployment with two partitions of each topic and five records in the first of the events."""
    deployment.start_worker(HXI_TOPIC_PARTITIONS="2").wait_until_reading()
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap)
    for _ in range(RECORDS):
        producer.send(deployment.topic("EVENTS"), b"{}", partition=0)
    producer.close()
    deployment.wait_until_drained()
    for worker in deployment.workers:
        assert worker.terminate() == 0
    return deployment


def ledger(deployment: Deployment, *, ok: bool = True) -> tuple[str, str]:
    """Return what the doctor finds about the ledger; where not ``ok``, it is all that fails."""
    done = deployment.hxi("doctor", ok=ok)
    found = {line.split(maxsplit=2)[1]: line.split(maxsplit=2) for line in done.stdout.decode().splitlines()}
    assert [check for check, (state, *_) in found.items() if state == "FAIL"] == ([] if ok else ["ledger"])
    state, _, text = found["ledger"]
    return state, text


def stand(deployment: Deployment, kind: str, partition: int, at: int) -> None:
    """Set where the ledger stands."""
    row = (deployment.environment["HXI_APP_ID"], deployment.topic(kind), partition, at)
    with psycopg.connect(deployment.database_url) as connection:
        connection.execute(
            "INSERT INTO hxi_state.ledger (app_id, topic, partition, next_offset, epoch) VALUES (%s, %s, %s, %s, 2)"
            " ON CONFLICT (app_id, topic, partition) DO UPDATE SET next_offset = EXCLUDED.next_offset",
            row,
        )


def test_a_ledger_within_its_topics_is_in_order(running: Deployment) -> None:
    assert ledger(running) == ("ok", "stands within the topics, 0 records before their ends")
    stand(running, "EVENTS", 0, 2)
    assert ledger(running) == ("ok", "stands within the topics, 3 records before their ends")


def test_partitions_that_no_worker_has_claimed_yet_are_counted_too(running: Deployment) -> None:
    events, replay = running.topic("EVENTS"), running.topic("REPLAY")
    with closing(KafkaAdminClient(bootstrap_servers=running.bootstrap)) as admin:
        admin.create_partitions({events: 3, replay: 3})
    producer = KafkaProducer(bootstrap_servers=running.bootstrap)
    producer.send(events, b"{}", partition=2).get(timeout=30)
    producer.close()
    counted = "stands within the topics, 1 records before their ends"
    assert ledger(running) == (
        "ok",
        f"{counted}, 1 of them in {events}[2], {replay}[2], which no worker has claimed yet",
    )


def test_where_nobody_has_read_there_is_nothing_to_compare(deployment: Deployment) -> None:
    state, text = ledger(deployment)
    assert (state, text) == ("ok", f"no worker of {deployment.environment['HXI_APP_ID']} has claimed a partition yet")


def test_a_ledger_ahead_of_its_topic_is_a_failure(running: Deployment) -> None:
    stand(running, "EVENTS", 0, RECORDS + 1)
    _, text = ledger(running, ok=False)
    events = running.topic("EVENTS")
    assert text.startswith(f"the ledger stands ahead of {events}[0] at {RECORDS + 1}, which ends at {RECORDS}: ")
    assert f"DELETE FROM hxi_state.ledger WHERE app_id = '{running.environment['HXI_APP_ID']}'" in text


def test_a_worker_says_once_that_its_ledger_is_ahead(running: Deployment) -> None:
    stand(running, "EVENTS", 0, RECORDS + 1)
    worker = running.start_worker(HXI_LOG_FORMAT="text")
    assert worker.wait() == 1
    assert worker.said().count("the ledger of") == 1
    assert "NoneType" not in worker.said()


def test_a_ledger_of_a_topic_that_is_not_there_is_a_failure_if_it_has_moved(deployment: Deployment) -> None:
    stand(deployment, "REPLAY", 0, 0)
    assert ledger(deployment)[0] == "ok"
    stand(deployment, "REPLAY", 0, 1)
    _, text = ledger(deployment, ok=False)
    assert text.startswith(f"the ledger stands ahead of {deployment.topic('REPLAY')}[0] at 1, where there is no such")


def test_partitions_that_a_topic_has_no_more_are_a_failure(running: Deployment) -> None:
    stand(running, "EVENTS", 1, 0)
    assert ledger(running)[0] == "ok"
    stand(running, "EVENTS", 2, 0)
    _, text = ledger(running, ok=False)
    events = running.topic("EVENTS")
    assert text.startswith(f"the ledger has partitions that {events} has no more")
    assert text.endswith(f"AND topic = '{events}' AND partition >= 2")


def test_records_that_were_removed_unread_are_a_failure(running: Deployment) -> None:
    with closing(KafkaAdminClient(bootstrap_servers=running.bootstrap)) as admin:
        admin.delete_records({TopicPartition(running.topic("EVENTS"), 0): 3})
    stand(running, "EVENTS", 0, 3)
    assert ledger(running)[0] == "ok"
    stand(running, "EVENTS", 0, 1)
    _, text = ledger(running, ok=False)
    events = running.topic("EVENTS")
    assert text.startswith(f"DATA LOSS: records were removed before they were read, 2 of {events}[0] from 1 on. ")
