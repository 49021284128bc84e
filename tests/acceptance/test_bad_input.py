"""Nothing that anybody sends stops the worker, and everything refused is kept with its reason."""

import json
import urllib.error
import urllib.request

import psycopg
import pytest
from kafka import KafkaProducer

from tests.deployment import Deployment, WorkerProcess, wait_until

SESSION = "0c6f4f5e-8f6c-4d7e-9a59-2f6b3c1d2e3f"
GOOD = {"session_id": SESSION, "event_type": "click", "timestamp": "2026-03-01T10:00:00Z", "x": 1, "y": 2}
MEBIBYTE = 1024 * 1024


def send(deployment: Deployment, topic: str, *values: bytes | None) -> None:
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap, max_request_size=16 * MEBIBYTE)
    for value in values:
        producer.send(topic, key=SESSION.encode(), value=value)
    producer.flush()
    producer.close()


def get(worker: WorkerProcess, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{worker.web_port}{path}") as answer:
        return str(answer.read().decode())


def metric(worker: WorkerProcess, name: str) -> float:
    lines = [line for line in get(worker, "/metrics").splitlines() if line.startswith(name)]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def test_every_refused_record_has_its_reason_and_the_counts_add_up(deployment: Deployment) -> None:
    worker = deployment.start_worker()
    worker.wait_until_reading()
    bad: dict[bytes | None, str] = {
        b"": "empty",
        b"\xff\xfe": "malformed_json",
        b'{"session_id": NaN}': "malformed_json",
        b"[1]": "not_an_object",
        json.dumps({**GOOD, "timestamp": None}).encode(): "missing_field",
        json.dumps({**GOOD, "x": "12"}).encode(): "wrong_type",
        json.dumps({**GOOD, "session_id": "me"}).encode(): "invalid_value",
        json.dumps({**GOOD, "x": 2**31}).encode(): "out_of_range",
    }
    batch = {"session_id": SESSION, "app_version": "9", "events": [GOOD, {**GOOD, "x": []}, {**GOOD, "x": 3}]}
    send(deployment, deployment.topic("EVENTS"), *bad, json.dumps(batch).encode(), json.dumps(GOOD).encode())
    deployment.wait_until_drained()

    assert deployment.count("events") == 3
    letters = deployment.dead_letters()
    found = {letter.value: dict(letter.headers) for letter in letters}
    for value, reason in bad.items():
        assert found[value]["reason"] == reason.encode()
        assert found[value]["source_topic"] == deployment.topic("EVENTS").encode()
        assert "source_index" not in found[value]
    (one_of_batch,) = (letter for letter in letters if dict(letter.headers).get("source_index"))
    assert dict(one_of_batch.headers)["source_index"] == b"1"
    assert dict(one_of_batch.headers)["detail"] == b"x: is not a number"
    assert json.loads(one_of_batch.value) == {**GOOD, "app_version": "9", "x": []}
    assert all(letter.key == SESSION.encode() for letter in letters)

    received = metric(worker, "hxi_received_total")
    assert received == len(bad) + 3 + 1
    assert received == sum(metric(worker, f"hxi_{kind}_total") for kind in ("written", "duplicate", "dead_lettered"))
    bad_bytes = sum(len(value or b"") for value in bad)
    all_bytes = bad_bytes + len(json.dumps(batch)) + len(json.dumps(GOOD))
    assert metric(worker, "hxi_records_total") == len(bad) + 2
    assert metric(worker, "hxi_refused_records_total") == len(bad)
    assert metric(worker, "hxi_record_bytes_total") == all_bytes
    assert metric(worker, "hxi_refused_record_bytes_total") == bad_bytes
    assert worker.running


def test_a_row_that_the_database_itself_refuses_becomes_a_dead_letter_alone(deployment: Deployment) -> None:
    with psycopg.connect(deployment.database_url) as connection:
        connection.execute("ALTER TABLE events ADD CONSTRAINT nobody_knows_of CHECK (x <> 666)")
    single = [json.dumps({**GOOD, "x": x}).encode() for x in range(660, 670)]
    batch = json.dumps({"session_id": SESSION, "app_version": "9", "events": [GOOD, {**GOOD, "x": 666}, GOOD]}).encode()
    worker = deployment.start_worker()
    worker.wait_until_reading()
    send(deployment, deployment.topic("EVENTS"), *single, batch)
    deployment.wait_until_drained()

    refused = {
        dict(letter.headers).get("source_index"): (letter.value, dict(letter.headers))
        for letter in deployment.dead_letters()
    }
    assert refused.keys() == {None, b"1"}
    assert {headers["reason"] for _, headers in refused.values()} == {b"rejected_by_database"}
    assert all(b"nobody_knows_of" in headers["detail"] for _, headers in refused.values())
    assert refused[None][0] == single[6]
    assert json.loads(refused[b"1"][0]) == {**GOOD, "app_version": "9", "x": 666}
    assert deployment.count("events") == len(single) - 1 + 2
    wait_until(lambda: metric(worker, "hxi_received_total") == len(single) + 3, "all is received and settled")
    assert metric(worker, "hxi_dead_lettered_total") == 2
    assert worker.running

    lines = [json.loads(line) for line in worker.said().splitlines()]
    assert {line["message"].split()[0] for line in lines if line["level"] == "INFO"} == {"Made", "Reading"}
    errors = {line["message"].partition(": ")[0] for line in lines if line["level"] == "ERROR"}
    assert errors == {"The database refused rows, looking for which"}
    assert SESSION not in worker.said()


def test_dead_letters_can_be_listed_shown_and_replayed(deployment: Deployment) -> None:
    worker = deployment.start_worker()
    send(deployment, deployment.topic("EVENTS"), b"not json \x1b[2J")
    worker.wait_until_reading()
    deployment.wait_until_drained()

    listed = deployment.hxi("dead-letters", "list").stdout.decode().splitlines()
    header, row = listed
    assert header.split("\t") == ["id", "at (UTC)", "reason", "source", "detail"]
    assert "malformed_json" in row
    shown = deployment.hxi("dead-letters", "show", row.split("\t")[0]).stdout.decode()
    assert shown.endswith("not json \\x1b[2J\n")

    deployment.hxi("dead-letters", "replay", row.split("\t")[0])
    deployment.wait_until_drained()
    assert len(deployment.hxi("dead-letters", "list").stdout.splitlines()) == 3
    assert deployment.hxi("dead-letters", "show", "0:12345", ok=False).returncode == 1


def test_replay_chunk_of_four_mebibytes_arrives_whole(deployment: Deployment) -> None:
    data = [{"type": 2, "data": "Ж" * (2 * MEBIBYTE)}]
    chunk = {"session_id": SESSION, "chunk_index": 0, "chunk_data": data}
    raw = json.dumps(chunk, ensure_ascii=False).encode()
    assert len(raw) > 4 * MEBIBYTE
    deployment.hxi("publish", "-", stdin=raw)
    deployment.start_worker()
    deployment.wait_until_drained()
    assert deployment.query("SELECT chunk_data FROM session_replay_chunks") == [(data,)]


def test_web_port_serves_metrics_and_health_and_nothing_else(deployment: Deployment) -> None:
    worker = deployment.start_worker()
    worker.wait_until_reading()
    assert get(worker, "/livez") == "alive\n"
    assert get(worker, "/readyz") == "ready\n"
    for path in ("/", "/table/", "/router/", "/metrics/x", "/stats/"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            get(worker, path)
        refused.value.close()
        assert refused.value.code == 404, path
