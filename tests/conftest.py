"""The servers that tests run against, each started once and only when a test asks for it."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from agents.embedded import Broker as EmbeddedBroker
from agents.embedded import Postgres
from agents.replay_page import PLAYER
from pipeline.sinks.migrations import migrate
from tests.deployment import Deployment, fresh_name
from tests.faults.log import LOG, SEED, table
from tests.servers.browser import REQUIRE_BROWSER, BrowserProgram, RunningBrowser, find_browser, running_browser
from tests.servers.choice import IN_DOCKER, Broker, BrokerChoice, KillableBroker, choose_broker, demanded
from tests.servers.postgres_in_docker import PostgresInDocker, postgres_in_docker
from tests.servers.prometheus import PrometheusPrograms, find_prometheus

_chosen: list[BrokerChoice] = []
_prometheus: list[PrometheusPrograms] = []
_browsers: list[BrowserProgram] = []
_reported: list[str] = []
_BROKERS = "brokers"


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
def prometheus_programs() -> Path:
    """The directory of prometheus and promtool."""
    if not _prometheus:
        _prometheus.append(find_prometheus())
    if _prometheus[0].directory is None:
        pytest.skip("needs Prometheus; what the tests ran on is at the end")
    return _prometheus[0].directory


@pytest.fixture(scope="session")
def browser_program() -> BrowserProgram:
    """A Chromium, and what it needs around it."""
    if not _browsers:
        _browsers.append(find_browser())
    if _browsers[0].program is None:
        pytest.skip("needs a browser; what the tests ran on is at the end")
    return _browsers[0]


@pytest.fixture
async def browser(browser_program: BrowserProgram) -> AsyncIterator[RunningBrowser]:
    """A browser of the test's own: half a second."""
    async with running_browser(browser_program) as running:
        yield running


@pytest.fixture(scope="session")
def needs_replay_player() -> None:
    """The player of rrweb, from npm."""
    if not PLAYER.is_dir():
        if demanded(REQUIRE_BROWSER):
            pytest.fail("rrweb's player is not installed: make player")
        pytest.skip("needs rrweb's player, which `make player` fetches")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres | PostgresInDocker]:
    if demanded(IN_DOCKER):
        with postgres_in_docker() as contained:
            yield contained
        return
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


@pytest.fixture(scope="module")
def own_database(postgres: Postgres, template_database: str) -> Iterator[str]:
    """A migrated database for the tests of one file."""
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


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what is to be said at the end to the process that says it, where tests run in several."""
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output[_BROKERS] = _brokers()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take that from a process that has run tests."""
    _reported.extend(node.workeroutput.get(_BROKERS, []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which faults fired and how soon they were recovered from, and which broker the tests ran on."""
    if faults := LOG.faults():
        terminalreporter.section(f"faults, seed {SEED} (HXI_TEST_FAULT_SEED), all of them in {LOG.file}")
        for line in table(faults):
            terminalreporter.write_line(line)
    if lines := list(dict.fromkeys([*_reported, *_brokers()])):
        terminalreporter.section("what the tests ran on")
        for line in lines:
            terminalreporter.write_line(line)


def _brokers() -> list[str]:
    """Return what is to be said of the brokers of this process, its Prometheus and its browser."""
    lines = [line for choice in _chosen for line in choice.report()]
    lines += [line for found in _prometheus for line in found.report()]
    lines += [line for program in _browsers for line in program.report()]
    if os.environ.get("HXI_TEST_REQUIRE_KAFKA") and not all(choice.is_apache_kafka for choice in _chosen):
        lines.append("HXI_TEST_REQUIRE_KAFKA is set: this run has failed.")
    return lines
