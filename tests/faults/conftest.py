"""Servers with a network between them and the workers, and campaigns on them."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from agents.embedded import Postgres
from pipeline.sinks.migrations import migrate
from tests.conftest import new_database
from tests.deployment import REPOSITORY, Deployment, fresh_name
from tests.faults.campaign import Campaign
from tests.faults.log import FaultLog
from tests.servers.apache_kafka import ApacheKafka
from tests.servers.conversations import ToKafka, ToPostgres
from tests.servers.proxy import Proxy

SEED = int(os.environ.get("HXI_TEST_FAULT_SEED", "1"))
LOG = FaultLog(REPOSITORY / ".hxi" / "faults" / f"{time.strftime('%Y%m%dT%H%M%S')}-seed-{SEED}.jsonl")

SESSION_TIMEOUT_S = "20"
"""Sessions end by quiet while the campaign goes on, wrongly at times, and are taken back."""


@dataclass
class Servers:
    """A broker and a database of the fault suite's own, each with a proxy before it."""

    broker: ApacheKafka
    postgres: Postgres
    to_broker: Proxy
    to_postgres: Proxy

    def make_well(self) -> None:
        """Undo what a test that failed may have left."""
        for proxy in (self.to_broker, self.to_postgres):
            proxy.mend()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    directory = tmp_path_factory.mktemp("faults")
    with (
        Proxy(conversation=ToKafka) as to_broker,
        ApacheKafka(directory / "broker", proxied_as=to_broker.address) as broker,
        Postgres.start(directory / "postgres") as postgres,
        Proxy(int(postgres.address.rpartition(":")[2].partition("/")[0]), ToPostgres) as to_postgres,
    ):
        to_broker.target_port = broker.proxied_port
        yield Servers(broker, postgres, to_broker, to_postgres)


@pytest.fixture
def campaign(servers: Servers, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Campaign]:
    """A campaign with names, a database and chance of its own; it says what it struck with when it is over."""
    servers.make_well()
    name = request.node.name
    database_url = new_database(servers.postgres.address, fresh_name("fault"))
    migrate(database_url)
    settings = {"HXI_SESSION_TIMEOUT_S": SESSION_TIMEOUT_S}
    with Deployment.open(servers.broker.address, database_url, tmp_path, **settings) as deployment:
        yield Campaign(
            name,
            deployment,
            Random(f"{SEED} {name}"),
            LOG,
            servers.postgres,
            servers.broker,
            servers.to_postgres,
            servers.to_broker,
        )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which faults fired and how soon they were recovered from."""
    if LOG.faults:
        terminalreporter.section(f"faults, seed {SEED} (HXI_TEST_FAULT_SEED), all of them in {LOG.file}")
        for line in LOG.table():
            terminalreporter.write_line(line)
