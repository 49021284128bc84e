"""A dead letter sent in again, days later, comes to what it would have come to at first."""

import json
import time
from typing import Any

import psycopg
import pytest
from kafka import KafkaProducer

from tests.deployment import Deployment, wait_until

SESSION = "0c6f4f5e-8f6c-4d7e-9a59-2f6b3c1d2e3f"
DAY_MS = 24 * 3600 * 1000
ARRIVED_MS = int(time.time() * 1000) // 1000 * 1000 - 5 * DAY_MS
BEHIND_MS = 3_600_000
"""How much the sender's clock is behind."""

LARGE = {"text": "x" * 500}


def event(number: int, **fields: Any) -> dict[str, Any]:
    """Return a click of so many seconds before it was sent, by the sender's clock."""
    sent_at = ARRIVED_MS - BEHIND_MS
    whole = {"session_id": SESSION, "event_type": "click", "timestamp": sent_at - number * 1000, "x": number, "y": 1}
    return {"sent_at": sent_at, **whole, **fields}


def send(deployment: Deployment, *values: dict[str, Any]) -> None:
    """Send records that arrived days ago: producers say when."""
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap)
    for value in values:
        producer.send(deployment.topic("EVENTS"), json.dumps(value).encode(), SESSION.encode(), timestamp_ms=ARRIVED_MS)
    producer.flush()
    producer.close()


def times(deployment: Deployment) -> list[tuple[int, int]]:
    """Return each event's number, and how many seconds before its arrival it happened."""
    rows = deployment.query("SELECT x, extract(epoch FROM timestamp)::float8 FROM events ORDER BY x")
    return [(number, round(ARRIVED_MS / 1000 - at_s)) for number, at_s in rows]


def reasons(deployment: Deployment) -> list[str]:
    """Return why each event was refused, once for each, however often its letter was sent."""
    places = [{name: value.decode() for name, value in letter.headers} for letter in deployment.dead_letters()]
    return sorted({(place["source_offset"], place.get("source_index")): place["reason"] for place in places}.values())


@pytest.mark.usefixtures("needs_apache_kafka")
def test_events_that_a_limit_or_the_database_refused_have_the_same_time_when_they_are_sent_again(
    deployment: Deployment,
) -> None:
    with psycopg.connect(deployment.database_url) as connection:
        connection.execute("ALTER TABLE events ADD CONSTRAINT too_strict CHECK (x <> 3 AND x <> 5)")
    worker = deployment.start_worker(HXI_LIMIT_METADATA_BYTES="200")
    worker.wait_until_reading()
    batch = {"sent_at": ARRIVED_MS - BEHIND_MS, "events": [event(4, sent_at=None), event(5), event(6, metadata=LARGE)]}
    send(deployment, event(1), event(2, metadata=LARGE), event(3), batch)
    deployment.wait_until_drained()
    assert times(deployment) == [(1, 1), (4, 4)]
    assert reasons(deployment) == ["rejected_by_database"] * 2 + ["too_large"] * 2
    worker.terminate()

    with psycopg.connect(deployment.database_url) as connection:
        connection.execute("ALTER TABLE events DROP CONSTRAINT too_strict")
    assert len(deployment.dead_letters()) > 4, "looking for what the database refuses sends the other letters again"
    deployment.hxi("dead-letters", "replay", "--all")
    second = deployment.start_worker()
    deployment.wait_until_drained()
    assert times(deployment) == [(number, number) for number in range(1, 7)]
    wait_until(lambda: second.metric("hxi_append_to_commit_seconds_count") == 4, "what was sent again is counted")
    assert second.metric("hxi_append_to_commit_seconds_sum") * 1000 < DAY_MS, "freshness is no older than the replay"
    newest = max(deployment.records("EVENTS"), key=lambda record: record.timestamp)
    assert newest.timestamp > ARRIVED_MS + DAY_MS, "retention must not take at once what was sent again"


@pytest.mark.usefixtures("needs_apache_kafka")
def test_an_event_dated_beyond_its_arrival_is_refused_however_late_it_is_sent_again(deployment: Deployment) -> None:
    worker = deployment.start_worker()
    worker.wait_until_reading()
    send(deployment, event(1, timestamp=ARRIVED_MS + 2 * DAY_MS, sent_at=None))
    deployment.wait_until_drained()
    for letters in (1, 2):
        assert reasons(deployment) == ["out_of_range"] * letters
        assert {dict(letter.headers)["source_timestamp"] for letter in deployment.dead_letters()} == {
            str(ARRIVED_MS).encode()
        }
        newest = deployment.hxi("dead-letters", "list").stdout.decode().splitlines()[-1]
        deployment.hxi("dead-letters", "replay", newest.split("\t")[0])
        deployment.wait_until_drained()
    assert reasons(deployment) == ["out_of_range"] * 3
    assert deployment.count("events") == 0
