"""What several integration tests start from."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from pipeline.fold import FoldPolicy
from pipeline.sinks.postgres import PostgresSink
from tests.builders import APP
from tests.roles import as_writer
from tests.servers import choice, kafka_from_maven
from tests.servers.kafka_from_maven import MavenUnavailable, kafka_jars
from tests.servers.talk import Echo


@pytest.fixture(scope="session")
def jars() -> Path:
    """Apache Kafka's jars; without them tests of it are skipped, or fail where real Kafka is required."""
    try:
        kafka_from_maven.java()
        return kafka_jars()
    except MavenUnavailable as reason:
        if os.environ.get(choice.REQUIRE_KAFKA, "0") not in {"", "0"}:
            raise
        pytest.skip(f"no Apache Kafka from Maven: {reason}")


@pytest.fixture
def echo() -> Iterator[Echo]:
    """A server that sends back what it gets."""
    with Echo() as server:
        yield server


@pytest.fixture
async def sink(database_url: str) -> AsyncIterator[PostgresSink]:
    """What a worker writes and judges with."""
    made = PostgresSink(as_writer(database_url), APP, FoldPolicy())
    yield made
    await made.close()
