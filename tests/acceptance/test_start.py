"""What a worker needs before it reads: a schema of its own version, topics, settings that it knows."""

from kafka import KafkaAdminClient

from agents.embedded import Postgres
from tests.conftest import new_database
from tests.deployment import Deployment, fresh_name


def partitions(deployment: Deployment) -> dict[str, int]:
    admin = KafkaAdminClient(bootstrap_servers=deployment.bootstrap)
    try:
        names = [deployment.topic(kind) for kind in ("EVENTS", "REPLAY", "DEAD_LETTER")]
        return {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics(names)}
    finally:
        admin.close()


def test_worker_started_before_its_topics_exist_makes_them(deployment: Deployment) -> None:
    worker = deployment.start_worker(HXI_TOPIC_PARTITIONS="3")
    worker.wait_until_reading()
    assert set(partitions(deployment).values()) == {3}


def test_topics_with_other_partitions_than_the_setting_says_are_a_clear_error(deployment: Deployment) -> None:
    deployment.start_worker(HXI_TOPIC_PARTITIONS="3").wait_until_reading()
    other = deployment.start_worker(HXI_TOPIC_PARTITIONS="5")
    assert other.wait() == 1
    assert "has 3 partitions, but HXI_TOPIC_PARTITIONS is 5" in other.said()


def test_worker_refuses_a_database_that_is_not_migrated(deployment: Deployment, postgres: Postgres) -> None:
    url = new_database(postgres.address, fresh_name("empty"))
    worker = deployment.start_worker(HXI_DATABASE_URL=url)
    assert worker.wait() == 1
    assert "run: hxi migrate" in worker.said()


def test_unknown_and_wrong_settings_are_named(deployment: Deployment) -> None:
    unknown = deployment.hxi("worker", ok=False, HXI_FLUSH_INTERVAL="1")
    assert unknown.returncode == 1
    assert b"HXI_FLUSH_INTERVAL is not a setting" in unknown.stderr
    wrong = deployment.hxi("worker", ok=False, HXI_WEB_PORT="http")
    assert wrong.returncode == 1
    assert b"HXI_WEB_PORT is wrong" in wrong.stderr


def test_a_taken_web_port_is_a_clear_error(deployment: Deployment) -> None:
    first = deployment.start_worker()
    first.wait_until_reading()
    second = deployment.start_worker(HXI_WEB_PORT=str(first.web_port))
    assert second.wait() == 1
    assert "HXI_WEB_PORT" in second.said()
