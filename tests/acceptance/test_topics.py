"""What topics do beneath a worker: transactions, retention, records that are too large to pass on."""

import json
import time

import pytest
from aiokafka import AIOKafkaProducer
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from tests.deployment import Deployment, wait_until

pytestmark = pytest.mark.usefixtures("needs_apache_kafka")

SESSION = "0c6f4f5e-8f6c-4d7e-9a59-2f6b3c1d2e3f"
LARGEST = 16 * 1024 * 1024

SOON_S = 40
"""What a new partition may take to be noticed, claimed and read on a busy machine; by default it is 60 s and more."""


def click(element: str) -> bytes:
    now_ms = int(time.time() * 1000)
    return json.dumps(
        {"session_id": SESSION, "event_type": "click", "timestamp": now_ms, "element_id": element}
    ).encode()


def send(deployment: Deployment, *values: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap, max_request_size=LARGEST)
    for value in values:
        producer.send(deployment.topic("EVENTS"), key=SESSION.encode(), value=value, partition=0)
    producer.flush()
    producer.close()


def cut_off(deployment: Deployment, below: int) -> None:
    """Delete records as retention would."""
    admin = KafkaAdminClient(bootstrap_servers=deployment.bootstrap)
    admin.delete_records({TopicPartition(deployment.topic("EVENTS"), 0): below})
    admin.close()


def test_aborted_transactions_leave_nothing_and_their_markers_hold_nothing_up(deployment: Deployment) -> None:
    worker = deployment.start_worker(HXI_SESSION_TIMEOUT_S="2")
    worker.wait_until_reading()
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap, transactional_id=deployment.topic("EVENTS"))
    producer.init_transactions()
    for element, end in (("kept", producer.commit_transaction), ("aborted", producer.abort_transaction)):
        producer.begin_transaction()
        producer.send(deployment.topic("EVENTS"), key=SESSION.encode(), value=click(element), partition=0)
        producer.flush()
        end()
    producer.close()
    deployment.wait_until_drained()  # to the end of the topic, which is a marker
    assert deployment.query("SELECT element_id FROM events") == [("kept",)]
    wait_until(lambda: deployment.query("SELECT end_time FROM sessions") != [(None,)], "the session has ended")


def test_partitions_that_a_topic_is_given_are_soon_read_and_told_of(deployment: Deployment) -> None:
    worker = deployment.start_worker(HXI_TOPIC_PARTITIONS="1")
    worker.wait_until_reading()
    topic = deployment.topic("EVENTS")
    admin = KafkaAdminClient(bootstrap_servers=deployment.bootstrap)
    admin.create_partitions({topic: 2})
    admin.close()
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap)
    producer.send(topic, key=SESSION.encode(), value=click("new"), partition=1).get(timeout=30)
    producer.close()
    wait_until(lambda: deployment.count("events") == 1, "the new partition is read", SOON_S)
    wait_until(lambda: (topic, 1) in deployment.ledger(), "it has a ledger")
    wait_until(lambda: worker.metric("hxi_partitions") == 3, "it is told of")


async def test_records_may_be_compressed_by_any_codec_of_kafka(deployment: Deployment) -> None:
    deployment.start_worker().wait_until_reading()
    codecs = ["gzip", "lz4", "snappy", "zstd"]
    for codec in codecs:
        producer = AIOKafkaProducer(bootstrap_servers=deployment.bootstrap, compression_type=codec)
        await producer.start()
        await producer.send_and_wait(deployment.topic("EVENTS"), click(codec), key=SESSION.encode())
        await producer.stop()
    deployment.wait_until_drained()
    assert deployment.query("SELECT element_id FROM events ORDER BY element_id") == [(codec,) for codec in codecs]


def test_a_first_look_at_an_old_topic_is_no_loss(deployment: Deployment) -> None:
    worker = deployment.start_worker()
    worker.wait_until_reading()
    worker.terminate()
    send(deployment, *(click(str(number)) for number in range(10)))
    cut_off(deployment, below=6)
    newcomer = deployment.beside(deployment.database_url)
    worker = newcomer.start_worker()
    newcomer.wait_until_drained()
    assert "DATA LOSS" not in worker.said()


def test_the_largest_record_that_a_topic_takes_can_be_dead_lettered(deployment: Deployment) -> None:
    worker = deployment.start_worker()
    worker.wait_until_reading()
    largest = b"x" * (LARGEST - 200)
    send(deployment, largest, click("after"))
    deployment.wait_until_drained()
    (letter,) = deployment.dead_letters()
    assert letter.value == largest
    assert deployment.count("events") == 1


def test_a_dead_letter_with_no_room_in_its_topic_goes_without_its_value_and_holds_nothing_up(
    deployment: Deployment,
) -> None:
    small = {"num_partitions": 1, "configs": {"max.message.bytes": "2000"}}
    admin = KafkaAdminClient(bootstrap_servers=deployment.bootstrap)
    admin.create_topics({deployment.topic("DEAD_LETTER"): small})
    admin.close()
    deployment.start_worker().wait_until_reading()
    send(deployment, b"x" * 5000, click("after"))
    deployment.wait_until_drained()
    (letter,) = deployment.dead_letters()
    assert not letter.value
    assert dict(letter.headers)["detail"].startswith(b"[5000 bytes, too large for")
    assert deployment.count("events") == 1


def test_a_text_made_to_be_slow_does_not_hold_the_worker_up(deployment: Deployment) -> None:
    worker = deployment.start_worker()
    worker.wait_until_reading()
    texts = ["a" * (15 << 20) + " @", "a" * (1 << 19) + "@a" * (1 << 18)]  # more, and as much, as there is room for
    hostile = [json.loads(click("hostile")) | {"event_type": "error", "error_message": text} for text in texts]
    send(deployment, *(json.dumps(event).encode() for event in hostile), click("after"))
    deployment.wait_until_drained(20)
    assert deployment.count("error_logs") == 1
    (letter,) = deployment.dead_letters()
    assert dict(letter.headers)["reason"] == b"too_large"
    assert "Heartbeat" not in worker.said()
