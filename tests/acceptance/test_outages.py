"""Servers go away and come back: nothing is skipped, nothing is written twice, stopping stays quick."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.embedded import Postgres
from pipeline.sinks.migrations import migrate
from tests.deployment import Deployment, wait_until
from tests.servers.choice import Broker, KillableBroker

STOPS_WITHIN_S = 10.0


@pytest.fixture
def fragile(broker: Broker, own_postgres: Postgres, tmp_path: Path) -> Iterator[Deployment]:
    """A deployment whose database server is the test's to stop."""
    migrate(own_postgres.address)
    with Deployment.open(broker.address, own_postgres.address, tmp_path) as deployment:
        yield deployment


def publish(deployment: Deployment, events: int, seed: int) -> int:
    """Publish so many events, none of them twice, and return their number."""
    lines = deployment.hxi("generate", "--events", str(events), "--seed", str(seed)).stdout.splitlines()
    distinct = {line.split(b'"', 4)[3]: line for line in lines}  # event_uuid comes first
    deployment.hxi("publish", "-", stdin=b"\n".join(distinct.values()))
    return len(distinct)


def test_worker_waits_for_a_database_that_is_away_and_skips_nothing(
    fragile: Deployment, own_postgres: Postgres
) -> None:
    sent = publish(fragile, 2000, seed=1)
    worker = fragile.start_worker()
    fragile.wait_until_drained()

    own_postgres.kill()
    sent += publish(fragile, 2000, seed=2)
    wait_until(lambda: worker.metric("hxi_retries_total") >= 3, "it has tried three times")
    own_postgres.restart()
    fragile.wait_until_drained()

    assert worker.running
    assert fragile.count("events") == sent
    worker.wait_until_said("answers again, after")


def test_worker_started_before_its_database_is_up_begins_once_it_is(
    fragile: Deployment, own_postgres: Postgres
) -> None:
    sent = publish(fragile, 200, seed=3)
    own_postgres.stop()
    worker = fragile.start_worker()
    worker.wait_until_said("Checking the database failed")
    own_postgres.restart()
    fragile.wait_until_drained()
    assert fragile.count("events") == sent


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_worker_stops_within_ten_seconds_while_the_database_is_down(
    fragile: Deployment, own_postgres: Postgres, stop: signal.Signals
) -> None:
    publish(fragile, 500, seed=4)
    worker = fragile.start_worker()
    fragile.wait_until_drained()
    own_postgres.kill()
    publish(fragile, 500, seed=5)
    wait_until(lambda: worker.metric("hxi_retries_total") >= 2, "it has tried twice")

    began = time.monotonic()
    worker.signal(stop)
    assert worker.wait(STOPS_WITHIN_S) == 0
    assert time.monotonic() - began < STOPS_WITHIN_S


def test_worker_stops_within_ten_seconds_while_it_waits_for_a_broker(deployment: Deployment) -> None:
    worker = deployment.start_worker(HXI_KAFKA_BOOTSTRAP="127.0.0.1:1")
    worker.wait_until_said("Checking the topics failed")
    assert worker.terminate(STOPS_WITHIN_S) == 0


def test_worker_stops_within_ten_seconds_while_it_works_and_writes_what_it_has(deployment: Deployment) -> None:
    sent = publish(deployment, 20_000, seed=6)
    worker = deployment.start_worker()
    wait_until(lambda: deployment.count("events") > 0, "the first rows")
    assert worker.terminate(STOPS_WITHIN_S) == 0

    deployment.start_worker()
    deployment.wait_until_drained()
    assert deployment.count("events") == sent


@pytest.mark.timeout(300)
def test_worker_survives_a_broker_that_is_killed_and_comes_back(
    own_broker: KillableBroker, database_url: str, tmp_path: Path
) -> None:
    with Deployment.open(own_broker.address, database_url, tmp_path) as deployment:
        sent = publish(deployment, 2000, seed=7)
        worker = deployment.start_worker()
        deployment.wait_until_drained()
        own_broker.kill()
        own_broker.restart()
        sent += publish(deployment, 2000, seed=8)
        deployment.wait_until_drained(120)
        assert worker.running, worker.said()
        assert deployment.count("events") == sent
        own_broker.kill()
        publishing_failed = deployment.hxi("publish", "-", stdin=b"{}", ok=False)
        assert publishing_failed.returncode == 1
        assert worker.terminate(STOPS_WITHIN_S) == 0


def test_sessions_that_go_quiet_end_and_a_later_record_takes_that_back(deployment: Deployment) -> None:
    session = "11111111-2222-4333-8444-555555555555"
    click = '{"session_id":"%s","event_type":"click","timestamp":%d}'
    now_ms = int(time.time() * 1000)
    patient = deployment.start_worker()

    def duration() -> int | None:
        rows = deployment.query("SELECT duration_ms FROM sessions")
        return rows[0][0] if rows else None

    lines = [click % (session, now_ms - 5000), click % (session, now_ms - 1000)]
    deployment.hxi("publish", "-", stdin="\n".join(lines).encode())
    wait_until(lambda: deployment.count("events") == 2, "the session")
    assert duration() is None
    assert patient.terminate(STOPS_WITHIN_S) == 0

    deployment.start_worker(HXI_SESSION_TIMEOUT_S="2")
    wait_until(lambda: duration() == 4000, "the session has ended by quiet")

    deployment.hxi("publish", "-", stdin=(click % (session, now_ms + 2500)).encode())
    wait_until(lambda: duration() == 7500, "the end has moved")
