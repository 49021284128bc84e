"""Servers with a network between them and the workers, and campaigns on them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from agents.embedded import Postgres
from pipeline.sinks.migrations import migrate
from tests.conftest import drop_database, new_database
from tests.deployment import Deployment, fresh_name
from tests.faults.campaign import Campaign
from tests.faults.log import LOG, SEED
from tests.faults.plan import ALL, refuse_to_try_nothing
from tests.servers.apache_kafka import ApacheKafka
from tests.servers.choice import Broker, BrokerChoice, BrokerKind
from tests.servers.conversations import ToKafka, ToPostgres
from tests.servers.kafka_cluster import KafkaCluster
from tests.servers.proxied import port_of
from tests.servers.proxy import Proxy
from tests.servers.small_disk import NoSmallDisk, SmallDisk

SESSION_TIMEOUT_S = "3"
"""Sessions end by quiet while the campaign goes on, wrongly at times, and are taken back."""

SMALL_DISK_MB = 1_000
"""Room for a server, a campaign and its calm twin."""


@dataclass
class Servers:
    """A broker and a database of the fault suite's own, each with a proxy before it."""

    broker: Broker
    postgres: Postgres
    to_broker: Proxy | None
    to_postgres: Proxy

    @contextmanager
    def campaign(self, name: str, directory: Path) -> Iterator[Campaign]:
        """Give a campaign with topics, a database and chance of its own."""
        database = fresh_name("fault")
        url = new_database(self.postgres.address, database)
        migrate(url)
        settings = {"HXI_SESSION_TIMEOUT_S": SESSION_TIMEOUT_S}
        with Deployment.open(self.broker.address, url, directory, **settings) as deployment:
            chance = Random(f"{SEED} {name}")
            yield Campaign(name, deployment, chance, LOG, self.postgres, self.broker, self.to_postgres, self.to_broker)
        drop_database(self.postgres.address, database)


@pytest.fixture(scope="session")
def needs_kafka_from_maven(broker_choice: BrokerChoice) -> None:
    """For brokers in a network that the suite controls. The whole of the suite does not do without."""
    if broker_choice.kind is not BrokerKind.MAVEN:
        give_up = pytest.fail if ALL else pytest.skip
        give_up("\n".join([f"needs Apache Kafka from Maven, not {broker_choice.kind.value}", *broker_choice.rejected]))


@pytest.fixture(scope="session")
def servers(needs_kafka_from_maven: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    directory = tmp_path_factory.mktemp("faults")
    with (
        Proxy(conversation=ToKafka) as to_broker,
        ApacheKafka(directory / "broker", proxied_as=to_broker.address) as broker,
        Postgres.start(directory / "postgres") as postgres,
        Proxy(port_of(postgres.address), ToPostgres) as to_postgres,
    ):
        to_broker.target_port = broker.proxied_port
        yield Servers(broker, postgres, to_broker, to_postgres)


@pytest.fixture
def campaign(servers: Servers, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Campaign]:
    """A campaign; its workers but one reach the servers directly."""
    with servers.campaign(request.node.name, tmp_path) as campaign:
        yield campaign


@pytest.fixture(scope="module")
def cluster(needs_kafka_from_maven: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    with KafkaCluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture
def cluster_campaign(
    cluster: KafkaCluster, servers: Servers, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Campaign]:
    """A campaign on three brokers."""
    on_cluster = Servers(cluster, servers.postgres, None, servers.to_postgres)
    with on_cluster.campaign(request.node.name, tmp_path) as campaign:
        yield campaign


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    try:
        with SmallDisk(tmp_path / "disk", SMALL_DISK_MB) as disk:
            yield disk
    except NoSmallDisk as reason:
        pytest.skip(f"a disk that can be filled needs mounting: {reason}")


@pytest.fixture
def campaign_on_small_disk(
    small_disk: SmallDisk, servers: Servers, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Campaign]:
    """A campaign whose database server has a disk that can be filled."""
    with Postgres.start(small_disk.directory) as postgres, Proxy(port_of(postgres.address), ToPostgres) as to_postgres:
        on_disk = Servers(servers.broker, postgres, servers.to_broker, to_postgres)
        with on_disk.campaign(request.node.name, tmp_path) as campaign:
            campaign.disk = small_disk
            yield campaign


def pytest_collection_modifyitems() -> None:
    """End a run that would fire nothing."""
    refuse_to_try_nothing()


def pytest_report_header() -> str:
    """Say what the chance of this run comes from, before anything happens."""
    return f"faults: {'all' if ALL else 'a few'}, seed {SEED} (HXI_TEST_FAULT_SEED), log {LOG.file}"
