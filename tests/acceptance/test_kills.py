"""However often workers die or fall asleep, the tables come out as in a calm run, results as the reference has them."""

import random
import signal
import subprocess
import sys
import time
from functools import partial

import psycopg
import pytest

from agents.embedded import Postgres
from schema.rows import KeptEvent
from tests import reference
from tests.builders import decoded
from tests.conftest import new_database
from tests.deployment import REPOSITORY, Deployment, Tables, assert_same_tables, fresh_name, wait_until
from tests.results import Results, expected_results, results_in_postgres, seen
from tests.rough_traffic import rough_traffic
from tests.servers.child_process import spawn

pytestmark = pytest.mark.usefixtures("needs_apache_kafka")

EVENTS = 200_000
KILLS = 10
SEED = 11
START_MS = int(time.time() * 1000)  # brokers delete what is older than their retention


def calm_tables(deployment: Deployment, postgres: Postgres, template: str) -> Tables:
    """Return what a run without any trouble makes of the same topics."""
    calm = deployment.beside(new_database(postgres.address, fresh_name("calm"), template))
    worker = calm.start_worker()
    calm.wait_until_drained(240)
    worker.terminate()
    return calm.tables()


def publish_in_background(deployment: Deployment, events: int) -> "subprocess.Popen[bytes]":
    deployment.hxi("publish", "/dev/null")  # makes the topics
    command = [sys.executable, "-m", "tests.rough_traffic", str(events), str(SEED), str(START_MS)]
    log = deployment.directory / "publish.log"
    return spawn(command, log, env=deployment.environment, cwd=REPOSITORY)


def reference_results(events: int) -> Results:
    """Return what the reference makes of what was published."""
    items = (item for n, delivery in enumerate(rough_traffic(events, SEED, START_MS)) for item in decoded(delivery, n))
    kept = (seen(item) for item in items if isinstance(item, KeptEvent))
    return expected_results(kept, reference.RULES["hxi"], percentiles=True)


@pytest.mark.timeout(900)
def test_tables_equal_a_calm_run_after_ten_sigkills_at_random_moments(
    deployment: Deployment, postgres: Postgres, template_database: str
) -> None:
    chance = random.Random(20_181_214)
    publishing = publish_in_background(deployment, EVENTS)
    kills = 0
    while kills < KILLS:
        worker = deployment.start_worker()
        worker.wait_until_said("Reading ")
        before = sum(deployment.ledger().values())
        wait_until(partial(deployment.has_moved_beyond, before), "the worker writes")
        with pytest.raises(subprocess.TimeoutExpired):
            worker.wait(chance.uniform(0.0, 1.5))  # it works on until the random moment
        worker.kill()
        kills += 1
    assert publishing.wait(300) == 0, (deployment.directory / "publish.log").read_text()
    ends = deployment.ends()
    assert any(deployment.ledger().get(place, 0) < end for place, end in ends.items()), "the last kill came too late"

    deployment.start_worker()
    deployment.wait_until_drained(240)
    assert deployment.count("events") > EVENTS * 0.9
    with psycopg.connect(deployment.database_url) as connection:
        results = results_in_postgres(connection)
    expected = reference_results(EVENTS)
    assert results.rage_clicks == expected.rage_clicks
    assert results.heatmap_points == expected.heatmap_points
    assert results.journey_steps == expected.journey_steps
    assert results.latency == expected.latency
    assert min(len(results.rage_clicks), len(results.journey_steps), len(results.latency)) > 100
    assert deployment.count("emotion_predictions") > 100
    assert_same_tables(deployment.tables(), calm_tables(deployment, postgres, template_database))


@pytest.mark.timeout(600)
def test_tables_equal_a_calm_run_after_a_worker_slept_past_the_session_timeout(
    deployment: Deployment, postgres: Postgres, template_database: str
) -> None:
    publishing = publish_in_background(deployment, EVENTS // 4)
    sleeper = deployment.start_worker()
    sleeper.wait_until_said("Reading ")
    other = deployment.start_worker()
    other.wait_until_said("Reading ")
    wait_until(lambda: deployment.count("events") > 0, "the first rows")

    sleeper.signal(signal.SIGSTOP)
    claims = other.said().count("Reading ")
    wait_until(lambda: other.said().count("Reading ") > claims, "the other worker takes everything over")
    assert publishing.wait(300) == 0
    sleeper.signal(signal.SIGCONT)
    deployment.hxi("generate", "--publish", "--rate", "0", "--seed", "12", "--events", "5000")
    deployment.wait_until_drained(120)

    assert sleeper.running, sleeper.said()
    assert_same_tables(deployment.tables(), calm_tables(deployment, postgres, template_database))
