"""All that a worker says is its log, and servers that are away do not fill it."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from agents.embedded import Postgres
from pipeline.sinks.migrations import migrate
from tests.deployment import Deployment, WorkerProcess
from tests.servers.choice import KillableBroker

AWAY_S = 8.0

LINES_OF_AN_OUTAGE = 25
"""aiokafka finds a dozen ways to say it, each once; it said 88 lines a second."""


def lines(worker: WorkerProcess) -> list[dict[str, Any]]:
    """Return all that a worker has said: each line has to be an object with the fields that every line has."""
    found = [json.loads(line) for line in worker.said().splitlines()]
    assert all(line.keys() >= {"time", "level", "logger", "message"} for line in found)
    return found


def about(said: list[dict[str, Any]], text: str) -> list[str]:
    return [line["message"] for line in said if text in line["message"]]


@pytest.mark.parametrize("log_format", ["json", "auto"])
def test_an_idle_worker_says_once_that_its_servers_are_gone_and_once_that_they_are_back(
    own_broker: KillableBroker, own_postgres: Postgres, tmp_path: Path, log_format: str
) -> None:
    migrate(own_postgres.address)
    with Deployment.open(own_broker.address, own_postgres.address, tmp_path, HXI_LOG_FORMAT=log_format) as deployment:
        worker = deployment.start_worker()
        worker.wait_until_reading()
        before = len(lines(worker))
        own_broker.kill()
        own_postgres.kill()
        worker.wait_until_said("tried again until the broker at")
        worker.wait_until_said("tried again until the database at")
        time.sleep(AWAY_S)  # the length of the outage, not a wait for something
        assert len(lines(worker)) - before < LINES_OF_AN_OUTAGE

        own_postgres.restart()
        worker.wait_until_said("The database at")
        own_broker.restart()
        worker.wait_until_said("The broker at")
        said = lines(worker)
        assert len(about(said, "tried again until the broker")) == 1
        assert len(about(said, "tried again until the database")) == 1
        assert len(about(said, "answers again, after")) == 2
        assert worker.terminate() == 0


def test_a_worker_that_is_stopped_while_its_servers_are_gone_ends_at_once_and_without_a_traceback(
    own_broker: KillableBroker, own_postgres: Postgres, tmp_path: Path
) -> None:
    migrate(own_postgres.address)
    with Deployment.open(own_broker.address, own_postgres.address, tmp_path, HXI_LOG_FORMAT="json") as deployment:
        worker = deployment.start_worker()
        worker.wait_until_reading()
        own_broker.kill()
        own_postgres.kill()
        worker.wait_until_said("Failed fetch messages")
        assert worker.terminate() == 0
        said = lines(worker)
        assert [line for line in said if "traceback" in line] == []
        assert said[-1]["message"] == "Stopped"


def test_wrong_settings_are_a_line_of_the_log(deployment: Deployment) -> None:
    done = deployment.hxi("worker", ok=False, HXI_LOG_FORMAT="json", HXI_FLUSH_INTERVAL="1")
    (line,) = done.stderr.decode().splitlines()
    assert json.loads(line)["message"].startswith("HXI_FLUSH_INTERVAL is not a setting")
    assert done.returncode == 1
    text = deployment.hxi("worker", ok=False, HXI_LOG_FORMAT="text", HXI_FLUSH_INTERVAL="1")
    assert " ERROR   HXI_FLUSH_INTERVAL is not a setting" in text.stderr.decode()
