"""One sender that asks for too much gets as much as the limits allow, and keeps nobody else from theirs."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from kafka import KafkaProducer

from tests.deployment import Deployment

ABUSER = UUID(int=0xAB05_0000_0000_4000_8000_0000_0000_0000)
MOST_ACTIONS = 400
NOON_MS = 1_772_366_400_000


def abuse(number: int) -> dict[str, Any]:
    """Return what costs most: views in reverse order, and clicks on one spot."""
    kind = "page_view" if number % 2 else "click"
    spot = {"screen_name": f"s{number % 7}", "element_id": "e", "x": 1, "y": 1}
    return {"session_id": str(ABUSER), "event_type": kind, "timestamp": NOON_MS - 10 * number, **spot}


def honest(number: int) -> dict[str, Any]:
    """Return an event of one of 20 people."""
    session_id = str(UUID(int=0x600D_0000_0000_4000_8000_0000_0000_0000 + number % 20))
    return {"session_id": session_id, "event_type": "click", "timestamp": NOON_MS + 1000 * number, "x": 1, "y": 1}


def traffic(first: int, end: int) -> Iterator[dict[str, Any]]:
    """Yield the abuser's events, and after every tenth one of somebody else."""
    for number in range(first, end):
        yield abuse(number)
        if number % 10 == 0:
            yield honest(number // 10)


def send(deployment: Deployment, events: Iterator[dict[str, Any]], arrival_ms: int | None = None) -> None:
    """Publish ``events``, all of them to one partition; they arrive now, or at ``arrival_ms``."""
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap)
    for event in events:
        value = json.dumps(event).encode()
        key = event["session_id"].encode()
        producer.send(deployment.topic("EVENTS"), key=key, value=value, partition=0, timestamp_ms=arrival_ms)
    producer.flush()
    producer.close()


def reasons(deployment: Deployment) -> Counter[bytes]:
    """Return how many dead letters there are of each reason."""
    return Counter(dict(letter.headers)["reason"] for letter in deployment.dead_letters())


def test_a_session_beyond_its_limit_is_refused_and_the_others_of_its_partition_are_not(deployment: Deployment) -> None:
    first = deployment.start_worker(HXI_LIMIT_SESSION_ACTIONS=str(MOST_ACTIONS))
    send(deployment, traffic(0, 300))
    deployment.wait_until_drained()
    assert (deployment.count("events"), reasons(deployment)) == (300 + 30, Counter())
    first.kill()

    second = deployment.start_worker(HXI_LIMIT_SESSION_ACTIONS=str(MOST_ACTIONS))  # and the tally goes on
    send(deployment, traffic(300, 3_000))
    move = {**abuse(0), "event_type": "mouse_move"}
    send(deployment, iter([move]))
    deployment.wait_until_drained()
    stored = dict(deployment.query("SELECT session_id, count(*) FROM events GROUP BY session_id"))
    assert stored.pop(ABUSER) == MOST_ACTIONS + 1
    assert stored == {UUID(honest(number)["session_id"]): 15 for number in range(20)}
    assert deployment.query("SELECT event_count, action_count FROM sessions WHERE session_id = %s", ABUSER) == [
        (MOST_ACTIONS + 1, MOST_ACTIONS)
    ]
    assert reasons(deployment) == {b"too_many": 3_000 - MOST_ACTIONS}
    letter = json.loads(deployment.dead_letters()[0].value)
    assert letter == abuse(MOST_ACTIONS)
    assert second.running
    counted = {kind: second.metric(f"hxi_{kind}_total") for kind in ("written", "duplicate", "dead_lettered")}
    assert second.metric("hxi_received_total") == sum(counted.values()) == 2_700 + 270 + 1


def test_a_device_that_begins_sessions_without_end_is_kept_out_and_others_are_not(deployment: Deployment) -> None:
    worker = deployment.start_worker(HXI_LIMIT_DEVICE_SESSIONS_PER_S="5")
    flood = [
        {**honest(-number), "session_id": str(UUID(int=0xF100D << 100 | number)), "device_id": "flooding"}
        for number in range(50)
    ]
    send(deployment, iter([*flood, {**honest(1), "device_id": "calm"}]), arrival_ms=int(time.time() * 1000))
    deployment.wait_until_drained()
    assert deployment.count("sessions") == 5 + 1
    assert reasons(deployment) == {b"too_many": 45}
    assert worker.running


def test_a_session_whose_replay_is_too_much_is_cut_off_there_also_after_a_kill(deployment: Deployment) -> None:
    def chunks(first: int, end: int) -> None:
        producer = KafkaProducer(bootstrap_servers=deployment.bootstrap)
        for number in range(first, end):
            chunk = {"session_id": str(ABUSER), "chunk_index": number, "chunk_data": [number], "timestamp": NOON_MS}
            key, value = str(ABUSER).encode(), json.dumps(chunk).encode()
            producer.send(deployment.topic("REPLAY"), key=key, value=value, partition=0)
        producer.flush()
        producer.close()

    first = deployment.start_worker(HXI_LIMIT_SESSION_CHUNKS="5")
    chunks(0, 3)
    deployment.wait_until_drained()
    assert (deployment.count("session_replay_chunks"), reasons(deployment)) == (3, Counter())
    first.kill()

    second = deployment.start_worker(HXI_LIMIT_SESSION_CHUNKS="5")  # and the tally goes on
    chunks(2, 9)
    deployment.wait_until_drained()
    tally = deployment.query("SELECT chunk_count, chunk_bytes FROM sessions WHERE session_id = %s", ABUSER)
    assert (deployment.count("session_replay_chunks"), tally) == (5, [(5, 15)])
    assert reasons(deployment) == {b"too_many": 4}
    assert second.metric("hxi_duplicate_total") == 1
