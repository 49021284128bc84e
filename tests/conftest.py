"""The servers that tests run against, each started once and only when a test asks for it."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from agents.embedded import Broker as EmbeddedBroker
from agents.embedded import Postgres
from pipeline.sinks.migrations import migrate
from tests.deployment import Deployment, fresh_name
from tests.servers.choice import Broker, BrokerChoice, KillableBroker, choose_broker

_chosen: list[BrokerChoice] = []


@pytest.fixture(scope="session")
def broker_choice() -> BrokerChoice:
    if not _chosen:
        _chosen.append(choose_broker(embedded=EmbeddedBroker.start))
    return _chosen[0]


@pytest.fixture(scope="session")
def broker(broker_choice: BrokerChoice, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with broker_choice.open(tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture
def needs_apache_kafka(broker_choice: BrokerChoice) -> None:
    """For what the embedded broker cannot do: the README says what that is."""
    if not broker_choice.is_apache_kafka:
        pytest.skip("needs Apache Kafka itself")


@pytest.fixture
def own_broker(broker_choice: BrokerChoice, tmp_path: Path) -> Iterator[KillableBroker]:
    """A broker that the test may kill."""
    if not broker_choice.can_be_killed:
        pytest.skip(f"the broker here ({broker_choice.kind.value}) cannot be killed by tests")
    with broker_choice.open(tmp_path / "broker") as running:
        assert isinstance(running, KillableBroker)
        yield running


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with Postgres.start(tmp_path_factory.mktemp("postgres")) as running:
        yield running


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[Postgres]:
    """A database server that the test may stop and kill."""
    with Postgres.start(tmp_path / "postgres") as running:
        yield running


@pytest.fixture(scope="session")
def template_database(postgres: Postgres) -> str:
    """The name of a migrated database to copy: 0.1 s where migrating takes 0.5."""
    name = fresh_name("template")
    migrate(new_database(postgres.address, name))
    return name


@pytest.fixture
def database_url(postgres: Postgres, template_database: str) -> Iterator[str]:
    """A migrated database of the test's own."""
    name = fresh_name("test")
    yield new_database(postgres.address, name, template_database)
    drop_database(postgres.address, name)


@pytest.fixture
def deployment(broker: Broker, database_url: str, tmp_path: Path) -> Iterator[Deployment]:
    """Topics, a database and room for workers, all of the test's own."""
    with Deployment.open(broker.address, database_url, tmp_path) as running:
        yield running


def new_database(server_url: str, name: str, template: str | None = None) -> str:
    """Make a database and return its URL."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        like = f' TEMPLATE "{template}"' if template else ""
        connection.execute(f'CREATE DATABASE "{name}"{like}'.encode())
    return server_url.rpartition("/")[0] + f"/{name}"


def drop_database(server_url: str, name: str) -> None:
    """Remove a database, whoever still uses it."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which broker the tests ran on, and what was not exercised."""
    for choice in _chosen:
        terminalreporter.section("what the tests ran on")
        for line in choice.report():
            terminalreporter.write_line(line)
        if os.environ.get("HXI_TEST_REQUIRE_KAFKA") and not choice.is_apache_kafka:
            terminalreporter.write_line("HXI_TEST_REQUIRE_KAFKA is set: this run has failed.")
