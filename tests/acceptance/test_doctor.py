"""``hxi doctor`` against real servers: in order, and in the states that deployments get into."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import time_machine
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType

from agents.commands.doctor import examine
from agents.commands.output import CommandFailed
from agents.embedded import Postgres
from agents.settings import load_settings
from pipeline.sinks.migrations import migrate
from tests.conftest import new_database
from tests.deployment import Deployment, fresh_name
from tests.roles import as_analyst
from tests.servers.choice import Broker

CHECKS = [
    "settings",
    "broker",
    "acls",
    "topics",
    "partitions",
    "stamps",
    "database",
    "schema",
    "rights",
    "clock",
    "ledger",
]

Findings = dict[str, tuple[str, str]]


def findings(deployment: Deployment, *, ok: bool = True, **settings: str) -> Findings:
    """Run the doctor; return state and text by check, which come one line each."""
    done = deployment.hxi("doctor", stdin=b"", ok=False, **settings)
    lines = [line.split(maxsplit=2) for line in done.stdout.decode().splitlines()]
    found = {check: (state, text) for state, check, text in lines}
    assert len(found) == len(lines)
    failed = sum(state == "FAIL" for state, _ in found.values())
    assert (done.returncode, failed > 0) == ((0, False) if ok else (1, True)), done.stdout.decode()
    if failed:
        assert done.stderr.decode() == f"hxi: {failed} of {len(found)} checks failed\n"
    return found


def states(found: Findings) -> dict[str, str]:
    """Return the states of the checks that are not simply in order."""
    return {check: state for check, (state, _) in found.items() if state != "ok"}


@pytest.fixture
def running(deployment: Deployment) -> Deployment:
    """A deployment in which all is as it should be, with a record in it."""
    make_topics(deployment, events=2, replay=2)
    send(deployment)
    return deployment


def make_topics(deployment: Deployment, events: int, replay: int) -> None:
    admin = KafkaAdminClient(bootstrap_servers=deployment.bootstrap)
    sizes = {deployment.topic("EVENTS"): events, deployment.topic("REPLAY"): replay, deployment.topic("DEAD_LETTER"): 1}
    dead = {"max.message.bytes": str(2 * 1024 * 1024)}
    for name, partitions in sizes.items():
        configs = dead if name == deployment.topic("DEAD_LETTER") else {}
        admin.create_topics({name: {"num_partitions": partitions, "configs": configs}})
    admin.wait_for_topics(list(sizes))
    admin.close()


def send(deployment: Deployment, ahead_s: float = 0.0) -> None:
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap)
    producer.send(deployment.topic("EVENTS"), b"{}", timestamp_ms=int((time.time() + ahead_s) * 1000))
    producer.close()


def test_a_deployment_in_order_passes_every_check(running: Deployment) -> None:
    found = findings(running)
    assert list(found) == CHECKS
    assert states(found) == {}
    assert found["partitions"][1].startswith("2 of each source topic")
    assert found["rights"][1] == "a_worker may do what a worker has to, and nothing else"
    assert running.environment["HXI_DATABASE_URL"] not in str(found)


def test_topics_that_are_not_there_yet_are_no_failure_and_are_not_made(deployment: Deployment) -> None:
    found = findings(deployment)
    assert states(found) == {"topics": "warn", "partitions": "-", "stamps": "-"}
    assert deployment.topic("REPLAY") in found["topics"][1]
    assert findings(deployment) == found


def test_a_wrong_setting_is_all_that_can_be_said(deployment: Deployment) -> None:
    found = findings(deployment, ok=False, HXI_FLUSH_INTERVAL="1")
    assert list(found) == ["settings"]
    assert found["settings"][1].startswith("HXI_FLUSH_INTERVAL is not a setting")


def test_servers_that_are_away_are_named_and_what_depends_on_them_is_not_looked_at(deployment: Deployment) -> None:
    url = "postgresql://somebody:a-secret@127.0.0.1:1/nowhere"
    found = findings(deployment, ok=False, HXI_KAFKA_BOOTSTRAP="127.0.0.1:1", HXI_DATABASE_URL=url)
    assert states(found) == dict.fromkeys(CHECKS[1:], "-") | {"broker": "FAIL", "database": "FAIL"}
    assert "127.0.0.1:1" in found["broker"][1]
    assert "HXI_DATABASE_URL" in found["database"][1]
    assert "a-secret" not in str(found)


@pytest.mark.parametrize(
    ("events", "replay", "setting", "said"),
    [
        (3, 2, {}, "3 of {events} and 2 of {replay}: "),
        (2, 2, {"HXI_TOPIC_PARTITIONS": "5"}, "{events} has 2, but HXI_TOPIC_PARTITIONS is 5: set it to 2"),
    ],
    ids=["not co-partitioned", "other than the setting"],
)
def test_partitions_that_do_not_fit_are_a_failure(
    deployment: Deployment, events: int, replay: int, setting: dict[str, str], said: str
) -> None:
    make_topics(deployment, events, replay)
    found = findings(deployment, ok=False, **setting)
    assert states(found) == {"partitions": "FAIL", "stamps": "-"}
    names = {"events": deployment.topic("EVENTS"), "replay": deployment.topic("REPLAY")}
    assert found["partitions"][1].startswith(said.format(**names))


def test_a_dead_letter_topic_without_room_for_the_largest_record_is_warned_of(running: Deployment) -> None:
    admin = KafkaAdminClient(bootstrap_servers=running.bootstrap)
    configs = {"max.message.bytes": "1000"}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, running.topic("DEAD_LETTER"), configs)])
    admin.close()
    assert states(findings(running)) == {"topics": "warn"}


def test_a_record_from_the_future_tells_of_a_clock_that_is_ahead(running: Deployment) -> None:
    send(running, ahead_s=600)
    found = findings(running, ok=False)
    assert states(found) == {"stamps": "FAIL"}
    assert re.search(r" from (600|59\d) s ahead of ", found["stamps"][1]), "less what it took to look"


@pytest.mark.parametrize(("ahead_s", "says"), [(600, "behind"), (-600, "ahead of")])
def test_a_clock_here_that_is_wrong_is_a_failure(
    deployment: Deployment, capsys: pytest.CaptureFixture[str], ahead_s: int, says: str
) -> None:
    settings = load_settings({key: value for key, value in deployment.environment.items() if key.startswith("HXI_")})
    with time_machine.travel(time.time() + ahead_s), pytest.raises(CommandFailed, match="1 of 11 checks failed"):
        examine(lambda: settings)
    (said,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL"))
    assert said == f"FAIL  clock      the database's is 600 s {says} this one: synchronise both (NTP)"


def test_a_database_that_is_not_migrated_says_what_to_run(running: Deployment, postgres: Postgres) -> None:
    url = new_database(postgres.address, fresh_name("empty"))
    found = findings(running, ok=False, HXI_DATABASE_URL=url)
    assert states(found) == {"schema": "FAIL", "rights": "-", "ledger": "-"}
    assert "hxi migrate" in found["schema"][1]


@pytest.mark.parametrize("statement", ["DROP TABLE hxi_state.unjudged", "ALTER TABLE events DROP COLUMN event_uuid"])
def test_what_is_gone_although_every_migration_is_recorded_is_a_failure(running: Deployment, statement: str) -> None:
    with psycopg.connect(running.database_url) as connection:
        connection.execute(statement.encode())
    found = findings(running, ok=False)
    assert found["schema"][0] == "FAIL"
    assert statement.rpartition(" ")[2] in found["schema"][1]
    assert running.hxi("worker", ok=False).stderr.count(b"somebody dropped") == 1


def owner(deployment: Deployment) -> str:
    return deployment.database_url


def analyst(deployment: Deployment) -> str:
    return as_analyst(deployment.database_url)


@pytest.mark.parametrize(
    ("who", "state", "said"),
    [(analyst, "FAIL", "GRANT hxi_writer TO an_analyst"), (owner, "warn", "a superuser, which is more than")],
)
def test_a_login_that_may_do_too_little_fails_and_one_that_may_do_too_much_is_warned_of(
    running: Deployment, who: Callable[[Deployment], str], state: str, said: str
) -> None:
    found = findings(running, ok=state != "FAIL", HXI_DATABASE_URL=who(running))
    assert states(found)["rights"] == state
    assert said in found["rights"][1]


FOR_NOBODY = "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA hxi_state, analytics FROM PUBLIC, hxi_writer"


@pytest.mark.parametrize(
    ("statement", "state", "said"),
    [
        ("GRANT DELETE ON events TO a_worker", "warn", "a_worker may do more than a worker needs: DELETE ON events; "),
        ("GRANT SELECT (chunk_data) ON session_replay_chunks TO PUBLIC", "warn", "SELECT ON session_replay_chunks"),
        ("GRANT CREATE ON SCHEMA public TO a_worker", "warn", "CREATE ON SCHEMA public"),
        ("GRANT DELETE ON users TO hxi_writer", "warn", "DELETE ON users"),
        ("REVOKE INSERT ON users FROM hxi_writer", "FAIL", "a_worker lacks INSERT ON users; an owner can: hxi migrate"),
        ("REVOKE UPDATE ON SEQUENCE events_event_id_seq FROM hxi_writer", "FAIL", "UPDATE ON SEQUENCE events_event"),
        ("REVOKE SELECT (migration_id) ON _yoyo_migration FROM hxi_writer", "FAIL", "SELECT ON _yoyo_migration"),
        ("REVOKE USAGE ON SCHEMA hxi_state FROM hxi_writer", "FAIL", "USAGE ON SCHEMA hxi_state"),
        (FOR_NOBODY, "FAIL", "EXECUTE ON FUNCTION analytics.merge_sketches(analytics.latency_sketch,analytics.latency"),
    ],
)
def test_single_rights_are_compared_with_what_a_worker_needs(
    running: Deployment, statement: str, state: str, said: str
) -> None:
    with psycopg.connect(running.database_url) as connection:
        connection.execute(statement.encode())
    found = findings(running, ok=state != "FAIL")
    assert found["rights"][0] == state
    assert said in found["rights"][1]


@pytest.fixture
def fragile(broker: Broker, own_postgres: Postgres, tmp_path: Path) -> Iterator[Deployment]:
    """A deployment whose database server is the test's to change."""
    migrate(own_postgres.address)
    with Deployment.open(broker.address, own_postgres.address, tmp_path) as deployment:
        yield deployment


def test_a_database_that_takes_no_writes_is_a_failure(fragile: Deployment) -> None:
    with psycopg.connect(fragile.database_url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        connection.execute("SELECT pg_reload_conf()")
    found = findings(fragile, ok=False)
    assert found["database"][0] == "FAIL"
    assert "takes no writes" in found["database"][1]
