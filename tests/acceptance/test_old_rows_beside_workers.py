"""``hxi retention`` beside workers and traffic: what is left is what a calm run and one removal leave."""

import time
from collections import Counter
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from kafka import KafkaProducer

from agents.commands.generate import dumps
from pipeline.simulation import Traffic, simulate
from tests.conftest import drop_database, new_database
from tests.deployment import Deployment, assert_same_tables, fresh_name, wait_until

DAY_MS = 24 * 3_600_000
EVENTS = 2_000
UNENDED = (
    "SELECT 1 FROM sessions WHERE end_time IS NULL AND last_record_at < now() AT TIME ZONE 'utc' - interval '1 day'"
)
SOONER = ("heatmap_points", "emotion_predictions", "error_logs")
DAYS: dict[str, Any] = {
    "HXI_RETENTION_HEATMAP_POINTS_DAYS": "1",
    "HXI_RETENTION_EMOTIONS_DAYS": "1",
    "HXI_RETENTION_ERROR_LOGS_DAYS": "1",
    "HXI_RETENTION_SESSIONS_DAYS": "2",
}


def publish(deployment: Deployment, began_ms: int, seed: int) -> None:
    """Publish traffic that arrives as its trackers sent it, from ``began_ms`` on, with replays."""
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap, acks="all")
    traffic = Traffic(sessions_per_minute=120, batch_size=2, replay=True)
    for delivery in simulate(traffic, events=EVENTS, seed=seed, start_ms=began_ms):
        topic = deployment.topic("REPLAY" if delivery.is_replay else "EVENTS")
        key = delivery.session_id.encode()
        producer.send(topic, dumps(delivery).encode(), key, timestamp_ms=delivery.sent_at_ms)
    producer.flush()
    producer.close()


def until_ended(deployment: Deployment) -> None:
    """Wait until all sessions of days ago have ended and been judged."""
    deployment.wait_until_drained()
    wait_until(lambda: not deployment.query(UNENDED), "what was quiet for days has ended")
    wait_until(lambda: deployment.count("hxi_state.unjudged") == 0, "every session is judged")


def retain(deployment: Deployment) -> Counter[str]:
    """Run ``hxi retention`` and return how many rows of each table it removed."""
    printed = deployment.hxi("retention", **DAYS).stdout.decode()
    rows = dict(line.split("\t") for line in printed.splitlines()[1:])
    return Counter({table: int(count) for table, count in rows.items()})


@pytest.fixture
def calm_url(database_url: str, template_database: str) -> Iterator[str]:
    """A database for the calm run."""
    name = fresh_name("calm")
    yield new_database(database_url, name, template_database)
    drop_database(database_url, name)


# three days ago: sessions go    a day and a half ago: rows of three tables go    now: all stays, written meanwhile
def test_what_is_left_is_the_same_as_after_a_calm_run(deployment: Deployment, calm_url: str) -> None:
    now_ms = int(time.time() * 1000)
    worker = deployment.start_worker()
    worker.wait_until_reading()
    publish(deployment, now_ms - 3 * DAY_MS, seed=1)
    until_ended(deployment)
    old = deployment.count("sessions")
    publish(deployment, now_ms - 3 * DAY_MS // 2, seed=3)
    until_ended(deployment)
    sooner = {table: deployment.count(table) for table in SOONER}
    assert all(sooner.values())

    publishing = Thread(target=publish, args=(deployment, now_ms - 600_000, 2))
    publishing.start()
    removed = retain(deployment)
    publishing.join()
    deployment.wait_until_drained()
    removed += retain(deployment)  # of what the worker held before
    assert removed["sessions"] == old
    assert {table: removed[table] for table in SOONER} == sooner
    assert worker.running
    assert worker.metric("hxi_retries_total") == 0

    calm = deployment.beside(calm_url)
    calm.start_worker()
    until_ended(calm)
    retain(calm)
    assert deployment.count("events") > EVENTS
    assert deployment.query("SELECT DISTINCT removed FROM sessions WHERE removed IS NOT NULL") == [(sorted(SOONER),)]
    assert_same_tables(deployment.tables(), calm.tables())
