"""Against a PostgreSQL that takes TLS alone: rows arrive, and one that does not prove its name gets no password."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import psutil
import pytest

from agents.embedded import Postgres
from pipeline.sinks.connection import connect, same_server
from pipeline.sinks.migrations import migrate
from tests.conftest import drop_database, new_database
from tests.deployment import RECORDED_SESSION, Deployment, fresh_name, wait_until
from tests.servers.certificates import Authority
from tests.servers.choice import Broker
from tests.servers.postgres_over_tls import HOST, behind_tls, speaking_tls

RECORDED_EVENTS = 105


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whom clients trust."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module", params=["its own TLS", "behind a front"])
def url(
    request: pytest.FixtureRequest, authority: Authority, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """An empty database's URL, which says nothing of TLS."""
    pair = authority.issue(HOST)
    if request.param == "its own TLS":
        with speaking_tls(tmp_path_factory.mktemp("tls"), pair) as address:
            yield address
        return
    name = fresh_name("tls")
    parts = urlsplit(new_database(postgres.address, name))
    assert parts.port is not None
    with behind_tls(parts.port, pair) as port:
        yield parts._replace(netloc=f"{parts.username}:{parts.password}@{HOST}:{port}").geturl()
    drop_database(postgres.address, name)


def secret(url: str) -> str:
    return urlsplit(url).password or "?"


def verifying(url: str, authority: Authority, host: str = HOST) -> str:
    """Return the URL without its password, for a server that has to prove its name."""
    parts = urlsplit(url)
    query = urlencode({"sslmode": "verify-full", "sslrootcert": str(authority.file)})
    return parts._replace(netloc=f"{parts.username}@{host}:{parts.port}", query=query).geturl()


@pytest.fixture
def deployment(broker: Broker, url: str, authority: Authority, tmp_path: Path) -> Iterator[Deployment]:
    """A deployment that knows whom to trust, and has the password in a file."""
    file = tmp_path / "password"
    file.write_text(secret(url) + "\n")
    migrate(url)
    settings = {"HXI_DATABASE_URL": verifying(url, authority), "HXI_DATABASE_PASSWORD_FILE": str(file)}
    with Deployment.open(broker.address, url, tmp_path, **settings) as running:
        yield running


def complaint(deployment: Deployment, url: str, database_url: str) -> str:
    """Return what a command says of a database that it will not have, or that will not have it."""
    done = deployment.hxi("migrate", ok=False, HXI_DATABASE_URL=database_url)
    said = done.stderr.decode()
    assert done.returncode == 1
    assert said.startswith("hxi: the database of HXI_DATABASE_URL cannot be reached: ")
    assert secret(url) not in said
    return said


def is_refused(deployment: Deployment, url: str, sentence: str, database_url: str) -> None:
    """Let a command and a worker say so; the worker tries again."""
    worker = deployment.start_worker(HXI_DATABASE_URL=database_url)
    assert sentence in complaint(deployment, url, database_url)
    worker.wait_until_said(sentence)
    assert worker.terminate() == 0
    assert secret(url) not in worker.said()


def test_rows_arrive_in_a_database_that_proves_its_name(deployment: Deployment, url: str, authority: Authority) -> None:
    deployment.hxi("migrate", HXI_DATABASE_URL=verifying(url, authority))
    worker = deployment.start_worker()
    deployment.hxi("publish", RECORDED_SESSION)
    wait_until(lambda: deployment.count("events") == RECORDED_EVENTS, lambda: f"all are there:\n{worker.said()}")
    arguments = " ".join(psutil.Process(worker.pid).cmdline())
    assert worker.terminate() == 0
    assert secret(url) not in worker.said() + arguments


async def test_a_second_connection_to_the_same_server_proves_its_name_too(url: str, authority: Authority) -> None:
    known = _with_password(url, authority)
    first = await connect(known, "first")
    second = await connect(same_server(known, first), "second")
    assert first.pgconn.ssl_in_use
    assert second.pgconn.ssl_in_use
    assert second.info.get_parameters()["sslmode"] == "verify-full"
    await first.close()
    await second.close()


def test_a_database_whom_nobody_we_trust_has_certified_is_refused(
    deployment: Deployment, url: str, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path / "stranger")
    is_refused(deployment, url, "certificate verify failed", verifying(url, stranger))


def test_a_database_of_another_name_than_its_certificates_is_refused(
    deployment: Deployment, url: str, authority: Authority
) -> None:
    other = verifying(url, authority, host="127.0.0.1")
    assert 'does not match host name "127.0.0.1"' in complaint(deployment, url, other)


def test_a_wrong_password_is_refused_and_not_shown(deployment: Deployment, url: str, authority: Authority) -> None:
    file = Path(deployment.environment["HXI_DATABASE_PASSWORD_FILE"])
    file.write_text("guessed-by-nobody")
    is_refused(deployment, url, "password authentication failed", verifying(url, authority))
    assert not [log for log in file.parent.glob("*.log") if "guessed-by-nobody" in log.read_text()]


def _with_password(url: str, authority: Authority) -> str:
    parts = urlsplit(verifying(url, authority))
    return parts._replace(netloc=f"{parts.username}:{secret(url)}@{parts.hostname}:{parts.port}").geturl()
