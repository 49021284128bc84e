"""The commands, run as people run them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.deployment import RECORDED_SESSION, REPOSITORY, Deployment, wait_until

ONE, OTHER = "aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002"


def plain_environment(directory: Path) -> dict[str, str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("HXI_")}
    return inherited | {"HXI_DATA_DIR": str(directory)}


def start(directory: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "agents", *arguments],
        env=plain_environment(directory),
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def test_same_seed_gives_the_same_bytes_and_all_of_them_are_valid(deployment: Deployment, tmp_path: Path) -> None:
    first = deployment.hxi("generate", "--events", "500", "--seed", "3", "--replay").stdout
    assert first == deployment.hxi("generate", "--events", "500", "--seed", "3", "--replay").stdout
    assert first != deployment.hxi("generate", "--events", "500", "--seed", "4", "--replay").stdout
    file = tmp_path / "events.jsonl"
    file.write_bytes(first)
    assert deployment.hxi("validate", file).returncode == 0


def test_validate_names_each_bad_line_and_fails(deployment: Deployment) -> None:
    lines = b'{"session_id":"x"}\n\n{"chunk_index":0,"chunk_data":[],"session_id":"%s"}\n[]\n' % ONE.encode()
    done = deployment.hxi("validate", "-", stdin=lines, ok=False)
    assert done.returncode == 1
    first, second = done.stdout.decode().splitlines()
    assert first.startswith("-:1: invalid_value: session_id")
    assert second.startswith("-:4: not_an_object")


def test_publish_keys_each_session_of_a_batch_by_itself(deployment: Deployment) -> None:
    event = {"event_type": "click", "timestamp": 1_700_000_000_000}
    batch = {"app_version": "7", "events": [{**event, "session_id": ONE}, {**event, "session_id": OTHER}, event]}
    refused = deployment.hxi("publish", "-", stdin=json.dumps(batch).encode(), ok=False)
    assert refused.returncode == 1
    assert b"-:1: no session_id" in refused.stderr
    deployment.hxi("publish", "-", stdin=json.dumps({**batch, "session_id": ONE}).encode())
    deployment.start_worker()
    deployment.wait_until_drained()
    rows = deployment.query("SELECT session_id::text, app_version FROM sessions ORDER BY 1")
    assert rows == [(ONE, "7"), (OTHER, "7")]
    assert deployment.count("events") == 3


def test_publish_keys_a_session_alike_however_its_id_is_spelt(deployment: Deployment) -> None:
    event = {"event_type": "click", "timestamp": 1_700_000_000_000}
    spellings = [OTHER.replace("-", ""), OTHER.upper(), f"{{{OTHER}}}", f"urn:uuid:{OTHER}", "no id"]
    lines = [json.dumps({**event, "session_id": spelling}) for spelling in spellings]
    deployment.hxi("publish", "-", stdin="\n".join(lines).encode())
    records = {json.loads(record.value)["session_id"]: record.key.decode() for record in deployment.records("EVENTS")}
    assert records == dict.fromkeys(spellings, OTHER) | {"no id": "no id"}


def test_commands_say_in_a_sentence_that_the_broker_is_away(deployment: Deployment) -> None:
    done = deployment.hxi("publish", RECORDED_SESSION, ok=False, HXI_KAFKA_BOOTSTRAP="127.0.0.1:1")
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-1].startswith("hxi: the broker of HXI_KAFKA_BOOTSTRAP (127.0.0.1:1)")
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "migrate",
        "worker",
        "doctor",
        "publish",
        "validate",
        "generate",
        "schema",
        "forget",
        "replay",
        "report",
        "export",
        "dev",
        "demo",
    ],
)
def test_every_command_has_help(deployment: Deployment, command: str) -> None:
    assert b"Usage: hxi" in deployment.hxi(command, "--help").stdout.replace(b"python -m agents", b"hxi")


def test_dev_prints_where_its_servers_are_and_leaves_nothing_behind(tmp_path: Path) -> None:
    process = start(tmp_path, "dev")
    assert process.stdout is not None
    lines = [process.stdout.readline().decode().strip() for _ in range(2)]
    assert lines[0].startswith("HXI_KAFKA_BOOTSTRAP=127.0.0.1:")
    assert lines[1].startswith("HXI_DATABASE_URL=postgresql://")
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert not any(child.is_running() for child in children)


def test_demo_shows_filled_tables_and_a_second_run_works(tmp_path: Path) -> None:
    for _ in range(2):
        demo = start(tmp_path, "demo", "--events", "500")
        out, err = demo.communicate(timeout=120)
        assert demo.returncode == 0, err.decode()
        rows = dict(line.split("\t") for line in out.decode().splitlines()[1:12])
        assert 450 < int(rows["events"]) <= 500
        assert int(rows["session_replay_chunks"]) > 0
        assert out.decode().count("malformed_json") == 1
        report = tmp_path / "demo-report.html"
        assert f"a report of it, to open in a browser: {report}\n" in err.decode()
        assert report.read_text("utf-8").startswith("<!doctype html>")
        assert list(tmp_path.iterdir()) == [report]


@pytest.mark.parametrize("moment", ["starting a worker", "starting an embedded PostgreSQL"])
def test_demo_stops_all_that_it_started_when_interrupted(tmp_path: Path, moment: str) -> None:
    demo = start(tmp_path, "demo")
    assert demo.stderr is not None
    while moment not in demo.stderr.readline().decode():
        assert demo.poll() is None
    wait_until(lambda: bool(psutil.Process(demo.pid).children()), "the step just announced has begun")
    children = psutil.Process(demo.pid).children(recursive=True)
    demo.send_signal(signal.SIGINT)
    _, err = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert "interrupted" in err.decode()
    wait_until(lambda: not any(child.is_running() for child in children), "all are gone", 20)
    assert list(tmp_path.iterdir()) == []
