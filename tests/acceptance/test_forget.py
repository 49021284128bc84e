"""``hxi forget`` beside workers and traffic: gone from the tables, said of the topics, and what comes later is new."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType

from agents.topics import DEAD_LETTER_RETENTION_MS
from tests.deployment import Deployment, wait_until

ONE = UUID("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee")
OTHER = UUID("ffffffff-2222-4333-8444-555555555555")
BARE = ONE.hex
SPELLINGS = [
    *(str(ONE), BARE, f"{{{ONE}}}", f"urn:uuid:{ONE}"),
    *(str(ONE).upper(), BARE.upper(), f"{{{str(ONE).upper()}}}", f"urn:uuid:{str(ONE).upper()}"),
]
"""What is read as the same session, and may be the key of its records."""

START_MS = int(time.time() * 1000) - 600_000


def event(number: int, session: UUID = ONE, **fields: Any) -> dict[str, Any]:
    """Return a view of a screen of its own, so many tenths of a second after the start."""
    whole = {"session_id": str(session), "event_type": "page_view", "timestamp": START_MS + 100 * number}
    return whole | {"event_uuid": str(uuid4()), "screen_name": f"/{number}"} | fields


def publish(deployment: Deployment, *events: dict[str, Any]) -> None:
    deployment.hxi("publish", "-", stdin="\n".join(map(json.dumps, events)).encode())


@contextmanager
def producing(deployment: Deployment) -> Iterator[Callable[[str, dict[str, Any]], None]]:
    """Give a function that sends an event under a key, as some tracker would."""
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap, acks="all")
    try:
        yield lambda key, sent: producer.send(deployment.topic("EVENTS"), json.dumps(sent).encode(), key.encode())
        producer.flush()
    finally:
        producer.close()


def printed(output: bytes) -> dict[str, str]:
    """Return the rows of the tables that a command printed, by their first cells."""
    return dict(line.split("\t", 1) for line in output.decode().splitlines() if "\t" in line)


def test_a_worker_goes_on_with_a_session_that_was_forgotten_as_with_a_new_one(deployment: Deployment) -> None:
    alice: dict[str, Any] = {"user": {"external_user_id": "alice", "email": "a@example.com"}}
    publish(deployment, *(event(n, **alice) for n in range(5)), event(0, OTHER))
    worker = deployment.start_worker()
    deployment.wait_until_drained()

    refused = deployment.hxi("forget", "--user", "alice", stdin=b"n\n", ok=False)
    assert (refused.returncode, deployment.count("users")) == (1, 1)
    done = deployment.hxi("forget", "--user", "alice", stdin=b"y\n")
    assert b"alice" not in done.stdout
    rows = printed(done.stdout)
    assert {name: rows[name] for name in ("users", "sessions", "events", "journey_steps")} == {
        "users": "1",
        "sessions": "1",
        "events": "5",
        "journey_steps": "5",
    }
    again = deployment.hxi("forget", "--yes", "--user", "alice", ok=False)
    assert (again.returncode, again.stderr.decode().splitlines()[-1]) == (
        1,
        "hxi: nothing was found in the database of user alice",
    )

    publish(deployment, event(7), event(8))
    deployment.wait_until_drained()
    assert worker.running
    assert deployment.query("SELECT session_id, user_id FROM sessions ORDER BY 1") == [(ONE, None), (OTHER, None)]
    steps = "SELECT step_number, screen_name FROM journey_steps WHERE session_id = %s ORDER BY 1"
    assert deployment.query(steps, ONE) == [(1, "/7"), (2, "/8")]
    assert deployment.query("SELECT count(*) FROM events WHERE session_id = %s", ONE) == [(2,)]


class Traffic:
    """Events of one session, one after another, until the block ends."""

    def __init__(self, deployment: Deployment) -> None:
        self.sent = 0
        self._stop = Event()
        self._producer = KafkaProducer(bootstrap_servers=deployment.bootstrap, acks="all")
        self._topic = deployment.topic("EVENTS")
        self._thread = Thread(target=self._run)

    def _run(self) -> None:
        kinds = ("click", "page_view", "click", "click")
        while not self._stop.wait(0.002):
            one = event(self.sent, event_type=kinds[self.sent % 4], screen_name=f"/{self.sent // 4}", x=1, y=1)
            self._producer.send(self._topic, json.dumps(one).encode(), str(ONE).encode())
            self.sent += 1

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._producer.close()


DERIVED_FROM_WHAT_IS_LEFT = """
    SELECT
        (SELECT array_agg(screen_name ORDER BY step_number) FROM journey_steps)
            = (SELECT array_agg(screen_name ORDER BY timestamp) FROM events WHERE event_type = 'page_view'),
        (SELECT max(step_number) = count(*) FROM journey_steps),
        (SELECT sum(weight) FROM heatmap_points) = (SELECT count(*) FROM events WHERE event_type = 'click'),
        (SELECT min(first_click_time) >= min(timestamp) FROM rage_click_events, events WHERE event_type = 'click'),
        (SELECT min(start_time) FROM sessions) = (SELECT min(timestamp) FROM events)
"""


def test_a_session_may_be_forgotten_while_its_traffic_flows(deployment: Deployment) -> None:
    publish(deployment, event(0, OTHER))
    worker = deployment.start_worker()
    deployment.wait_until_drained()
    deployment.hxi("forget", "--yes", "--session", str(OTHER))
    mine = "SELECT count(*) FROM events WHERE session_id = %s"
    with Traffic(deployment) as traffic:
        for _ in range(3):
            wait_until(lambda: deployment.query(mine, ONE)[0][0] > 50, "the session is there again")
            done = deployment.hxi("forget", "--yes", "--session", str(ONE))
            assert int(printed(done.stdout)["events"]) > 50
        at_least = traffic.sent
        wait_until(lambda: traffic.sent > at_least + 100, "traffic goes on")
    deployment.wait_until_drained()
    assert worker.running
    assert worker.metric("hxi_dead_lettered_total") == 0
    assert 100 < deployment.count("events") < traffic.sent
    assert deployment.query(DERIVED_FROM_WHAT_IS_LEFT) == [(True,) * 5]


@pytest.mark.usefixtures("needs_apache_kafka")
def test_compacted_topics_are_sent_tombstones_and_of_the_others_it_is_said_when_they_expire(
    deployment: Deployment,
) -> None:
    publish(deployment, event(0), event(1, OTHER, session_id=str(OTHER).upper()))
    with producing(deployment) as send:
        for number, spelling in enumerate(SPELLINGS):
            send(spelling, event(2 + number, session_id=spelling))
    admin = KafkaAdminClient(bootstrap_servers=deployment.bootstrap)
    try:
        compact = {"cleanup.policy": "compact"}
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, deployment.topic("EVENTS"), compact)])
    finally:
        admin.close()
    worker = deployment.start_worker()
    deployment.wait_until_drained()
    done = deployment.hxi("forget", "--yes", "--session", str(ONE), "--session", str(OTHER))
    topics = {name: line.split("\t") for name, line in printed(done.stdout).items()}
    assert topics[deployment.topic("EVENTS")] == ["compacted", "sent", "at the broker's next compaction"]
    assert topics[deployment.topic("REPLAY")][:2] == ["by age", "none"]
    dead_at = topics[deployment.topic("DEAD_LETTER")][2]
    assert dead_at >= time.strftime("%Y-%m-%d", time.gmtime(time.time() + DEAD_LETTER_RETENTION_MS / 1000))
    tombstones = [record for record in deployment.records("EVENTS") if record.value is None]
    ones = {spelling.encode() for spelling in SPELLINGS}
    assert {record.key for record in tombstones} > {*ones, str(OTHER).encode()}
    assert len(tombstones) == len({record.key for record in tombstones}) == 2 * len(SPELLINGS)
    said = " ".join(done.stderr.decode().split())
    assert f"{len(tombstones)} tombstones were sent" in said
    assert "Records with other keys" in said
    places = {record.key: record.partition for record in deployment.records("EVENTS") if record.value is not None}
    assert places.keys() == {*ones, str(OTHER).encode()}
    assert places.items() <= {record.key: record.partition for record in tombstones}.items()
    deployment.wait_until_drained()
    assert worker.running
    letters = [(letter.key, dict(letter.headers)["reason"]) for letter in deployment.dead_letters()]
    assert sorted(letters) == sorted((record.key, b"empty") for record in tombstones)
    assert [deployment.count(table) for table in ("sessions", "events")] == [0, 0]


def test_the_database_is_erased_though_kafka_is_away_and_it_is_said_what_is_left_to_do(deployment: Deployment) -> None:
    deployment.query("INSERT INTO sessions (session_id) VALUES (%s) RETURNING 1", ONE)
    done = deployment.hxi("forget", "--yes", "--session", str(ONE), ok=False, HXI_KAFKA_BOOTSTRAP="127.0.0.1:1")
    assert done.returncode == 1
    assert f"hxi forget --yes --session {ONE}" in done.stderr.decode().splitlines()[-1]
    assert b"Traceback" not in done.stderr
    assert deployment.count("sessions") == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 1, "say who is to be forgotten"),
        (["--session", "me"], 2, "Invalid value for '--session'"),
        (["--yes", "--session", str(ONE)], 1, f"nothing was found in the database of session {ONE}"),
    ],
)
def test_what_cannot_be_forgotten_is_said(deployment: Deployment, arguments: list[str], code: int, said: str) -> None:
    done = deployment.hxi("forget", *arguments, ok=False)
    assert done.returncode == code
    assert said in " ".join(done.stderr.decode().split())


def test_workers_rights_are_not_enough_to_forget(deployment: Deployment) -> None:
    writer = deployment.environment["HXI_DATABASE_URL"]
    done = deployment.hxi("forget", "--yes", "--session", str(ONE), ok=False, HXI_DATABASE_URL=writer)
    assert done.returncode == 1
    assert b"only members of hxi_owner may erase" in done.stderr
