"""Against an Apache Kafka that wants to know who comes: events reach their tables, and whoever is wrong is refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import psutil
import pytest

from agents.kafka_clients import BrokerUnavailable
from agents.settings import load_settings
from agents.topics import ensure_topics
from tests.deployment import RECORDED_SESSION, Deployment, fresh_name, wait_until
from tests.servers.certificates import Authority
from tests.servers.secured_kafka import USERS, SecuredKafka, secured_kafka

pytestmark = pytest.mark.timeout(240)

KEY_PASSWORD: Final = "of-the-clients-key"
SECRETS: Final = [KEY_PASSWORD, *(password for _, password in USERS.values())]
RECORDED_EVENTS: Final = 105
BAD: Final = b'{"session_id": "not a UUID", "event_type": "click"}'

Settings = dict[str, str]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whom broker and clients trust."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whom nobody trusts."""
    return Authority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module")
def kafka(jars: Path, authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    """One broker for all tests here; each leaves it running."""
    with secured_kafka(tmp_path_factory.mktemp("kafka"), jars, authority) as running:
        yield running


@pytest.fixture
def deployment(kafka: SecuredKafka, database_url: str, tmp_path: Path) -> Iterator[Deployment]:
    """A deployment that has not been told how to get in."""
    with Deployment.open(kafka.by_password, database_url, tmp_path, HXI_TOPIC_PARTITIONS="1") as running:
        yield running


@pytest.fixture
def topics() -> dict[str, str]:
    """Topics of the test's own."""
    name = fresh_name("t")
    return {f"HXI_{kind}_TOPIC": f"{name}-{kind.lower()}" for kind in ("EVENTS", "REPLAY", "DEAD_LETTER")}


def by_password(kafka: SecuredKafka, authority: Authority, mechanism: str, directory: Path) -> Settings:
    """Return the settings of a user of the mechanism, whose password is in a file."""
    name, password = USERS[mechanism]
    file = directory / "password"
    file.write_text(password + "\n")
    return {
        "HXI_KAFKA_BOOTSTRAP": kafka.by_password,
        "HXI_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "HXI_KAFKA_SASL_MECHANISM": mechanism,
        "HXI_KAFKA_SASL_USERNAME": name,
        "HXI_KAFKA_SASL_PASSWORD_FILE": str(file),
        "HXI_KAFKA_SSL_CA_FILE": str(authority.file),
    }


def by_certificate(kafka: SecuredKafka, authority: Authority, issuer: Authority) -> Settings:
    """Return the settings of somebody whom ``issuer`` has certified."""
    mine = issuer.issue("pipeline@hxi.test", KEY_PASSWORD)
    return {
        "HXI_KAFKA_BOOTSTRAP": kafka.by_certificate,
        "HXI_KAFKA_SECURITY_PROTOCOL": "SSL",
        "HXI_KAFKA_SSL_CA_FILE": str(authority.file),
        "HXI_KAFKA_SSL_CERT_FILE": str(mine.certificate),
        "HXI_KAFKA_SSL_KEY_FILE": str(mine.key),
        "HXI_KAFKA_SSL_KEY_PASSWORD": KEY_PASSWORD,
    }


def told(deployment: Deployment, settings: Settings) -> Deployment:
    """Return the deployment with these settings."""
    return replace(deployment, environment=deployment.environment | settings)


def events_reach_their_tables(deployment: Deployment) -> None:
    """Publish with a command, read with a worker; one record is bad, and a command reads its dead letter."""
    worker = deployment.start_worker()
    deployment.hxi("publish", "-", stdin=RECORDED_SESSION.read_bytes().rstrip() + b"\n" + BAD)
    wait_until(lambda: deployment.count("events") == RECORDED_EVENTS, lambda: f"all are there:\n{worker.said()}")
    wait_until(lambda: worker.metric("hxi_dead_lettered_total") == 1, "the bad one is a dead letter")
    listed = deployment.hxi("dead-letters", "list")
    assert b"invalid_value" in listed.stdout
    arguments = " ".join(psutil.Process(worker.pid).cmdline())
    assert worker.terminate() == 0
    no_secret_in(worker.said(), arguments, listed.stderr.decode())


def no_secret_in(*texts: str) -> None:
    assert not [secret for secret in SECRETS for text in texts if secret in text]


def complaint(deployment: Deployment, settings: Settings) -> str:
    """Return the sentence in which a command says that it was refused."""
    done = told(deployment, settings).hxi("publish", RECORDED_SESSION, ok=False)
    said = done.stderr.decode()
    assert done.returncode == 1
    assert "Traceback" not in said
    no_secret_in(said, done.stdout.decode())
    return said.splitlines()[-1]


def refusal(settings: Settings) -> str:
    """Return why nobody gets in, without a process of its own: how commands and workers say it, others look at."""
    with pytest.raises(BrokerUnavailable) as refused:
        ensure_topics(load_settings(settings))
    no_secret_in(str(refused.value))
    return str(refused.value)


def is_refused(deployment: Deployment, settings: Settings, refused: str) -> None:
    """Let a command and a worker be refused: the command ends, the worker says so and tries again."""
    worker = told(deployment, settings).start_worker()
    assert refused in complaint(deployment, settings)
    worker.wait_until_said(refused)
    assert worker.terminate() == 0
    no_secret_in(worker.said())


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_events_reach_their_tables_over_tls_with_a_password(
    deployment: Deployment, kafka: SecuredKafka, authority: Authority, tmp_path: Path, mechanism: str
) -> None:
    events_reach_their_tables(told(deployment, by_password(kafka, authority, mechanism, tmp_path)))


def test_events_reach_their_tables_over_tls_with_a_certificate(
    deployment: Deployment, kafka: SecuredKafka, authority: Authority
) -> None:
    events_reach_their_tables(told(deployment, by_certificate(kafka, authority, authority)))


def test_a_wrong_password_is_refused_and_not_shown(
    deployment: Deployment, kafka: SecuredKafka, authority: Authority, tmp_path: Path
) -> None:
    settings = by_password(kafka, authority, "SCRAM-SHA-512", tmp_path)
    Path(settings["HXI_KAFKA_SASL_PASSWORD_FILE"]).write_text(USERS["SCRAM-SHA-256"][1])
    is_refused(deployment, settings, "the login of hxi=512 (HXI_KAFKA_SASL_USERNAME) with SCRAM-SHA-512 was refused: ")


def test_a_broker_whom_nobody_we_trust_has_certified_is_refused(
    deployment: Deployment, kafka: SecuredKafka, stranger: Authority, tmp_path: Path
) -> None:
    settings = by_password(kafka, stranger, "SCRAM-SHA-512", tmp_path)
    refused = f"{kafka.by_password} cannot be trusted: unable to get local issuer certificate"
    is_refused(deployment, settings, refused)


def test_a_broker_of_another_name_than_its_certificates_is_refused(
    kafka: SecuredKafka, authority: Authority, tmp_path: Path
) -> None:
    address = kafka.by_password.replace("localhost", "127.0.0.1")
    settings = by_password(kafka, authority, "SCRAM-SHA-512", tmp_path) | {"HXI_KAFKA_BOOTSTRAP": address}
    mismatch = f"{address} cannot be trusted: IP address mismatch, certificate is not valid for '127.0.0.1'"
    assert mismatch in refusal(settings)


def test_one_broker_that_can_be_trusted_is_enough(
    kafka: SecuredKafka, authority: Authority, tmp_path: Path, topics: dict[str, str]
) -> None:
    away, wrong = "localhost:1", kafka.by_password.replace("localhost", "127.0.0.1")
    several = {"HXI_KAFKA_BOOTSTRAP": f"{away},{wrong},{kafka.by_password}"}
    settings = load_settings(by_password(kafka, authority, "SCRAM-SHA-512", tmp_path) | topics | several)
    assert len(ensure_topics(settings)) == 3


def test_a_refused_login_leaves_no_thread_behind(
    kafka: SecuredKafka, authority: Authority, tmp_path: Path, topics: dict[str, str]
) -> None:
    settings = by_password(kafka, authority, "SCRAM-SHA-256", tmp_path) | topics
    before = threading.active_count()
    for name in ("nobody", "hxi=512"):
        with pytest.raises(BrokerUnavailable, match=f"the login of {name} .* was refused"):
            ensure_topics(load_settings(settings | {"HXI_KAFKA_SASL_USERNAME": name}))
    assert threading.active_count() == before


def test_who_brings_no_certificate_or_a_strangers_is_refused(
    kafka: SecuredKafka, authority: Authority, stranger: Authority
) -> None:
    settings = by_certificate(kafka, authority, stranger)
    refused = f"TLS with {kafka.by_certificate} failed: it wants another certificate of ours, or any at all"
    assert refused in refusal(settings)
    bare = {name: value for name, value in settings.items() if "CERT_FILE" not in name and "KEY" not in name}
    assert refused in refusal(bare)


def test_a_port_where_no_tls_is_spoken_is_refused(kafka: SecuredKafka, authority: Authority, tmp_path: Path) -> None:
    settings = by_password(kafka, authority, "SCRAM-SHA-512", tmp_path)
    said = refusal(settings | {"HXI_KAFKA_BOOTSTRAP": kafka.by_password_without_tls})
    assert f"TLS with {kafka.by_password_without_tls} failed: does it speak TLS at that port?" in said


def test_a_password_crosses_the_network_without_tls_only_where_that_is_allowed(
    deployment: Deployment, kafka: SecuredKafka, authority: Authority, tmp_path: Path
) -> None:
    settings = by_password(kafka, authority, "PLAIN", tmp_path) | {
        "HXI_KAFKA_BOOTSTRAP": kafka.by_password_without_tls,
        "HXI_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "HXI_KAFKA_SSL_CA_FILE": "",
    }
    assert "HXI_KAFKA_ALLOW_SASL_WITHOUT_TLS=true" in complaint(deployment, settings)
    told(deployment, settings | {"HXI_KAFKA_ALLOW_SASL_WITHOUT_TLS": "true"}).hxi("publish", RECORDED_SESSION)
