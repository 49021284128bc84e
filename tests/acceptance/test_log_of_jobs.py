"""What runs unattended says all it says in its log, an object a line, where HXI_LOG_FORMAT=json asks for that."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.deployment import RECORDED_SESSION, Deployment, wait_until


def run(deployment: Deployment, command: str, settings: Mapping[str, Any], code: int = 0) -> list[dict[str, Any]]:
    """Run it and return what it logged; nothing else may have been said, there or on standard output."""
    done = deployment.hxi(command, ok=False, HXI_LOG_FORMAT="json", **settings)
    assert (done.returncode, done.stdout) == (code, b"")
    found = [json.loads(line) for line in done.stderr.splitlines()]
    assert all(each.keys() >= {"time", "level", "logger", "message"} for each in found)
    return found


def test_a_migration_is_logged(deployment: Deployment) -> None:
    (line,) = run(deployment, "migrate", {})
    assert line["level"] == "INFO"
    assert line["message"].startswith("the database is up to date (")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "nothing is ever old: set HXI_RETENTION_…_DAYS"),
        ({"HXI_RETENTION_EVENTS_DAYS": "0"}, "HXI_RETENTION_EVENTS_DAYS"),
        ({"HXI_RETENTION_EVENTS_DAYS": "1"}, "nothing was removed: no worker of "),
    ],
)
def test_why_nothing_was_removed_is_logged_as_an_error(
    deployment: Deployment, settings: dict[str, str], said: str
) -> None:
    (line,) = run(deployment, "retention", settings, code=1)
    assert line["level"] == "ERROR"
    assert line["message"].startswith(said)


def test_what_was_removed_is_logged_with_the_rows_in_a_field(deployment: Deployment) -> None:
    policy = {"HXI_RETENTION_EVENTS_DAYS": "2"}
    worker = deployment.start_worker(HXI_TOPIC_PARTITIONS="1", HXI_SESSION_TIMEOUT_S="1")
    worker.wait_until_reading()
    deployment.hxi("publish", RECORDED_SESSION)
    deployment.wait_until_drained()
    ended = "SELECT 1 FROM sessions WHERE end_time IS NULL"
    wait_until(lambda: not deployment.query(ended), "the session has ended")
    wait_until(lambda: deployment.count("hxi_state.unjudged") == 0, "it is judged")
    deployment.query("UPDATE sessions SET last_record_at = last_record_at - interval '3 days' RETURNING 1")
    assert worker.terminate() == 0
    (line,) = run(deployment, "retention", policy)
    assert line["message"] == "Removed"
    assert {"table", "rows"} == line["rows"][0].keys()
    assert {each["table"] for each in line["rows"]} >= {"events"}
    (line,) = run(deployment, "retention", policy)
    assert line["message"] == "nothing is old enough to be removed"
