"""PostgreSQL in a container of the image that docker-compose.yml names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

COMPOSE: Final = Path(__file__).parents[2] / "docker-compose.yml"


@dataclass(frozen=True)
class PostgresInDocker:
    """Where it is: a URL for clients of this machine."""

    address: str


@contextmanager
def postgres_in_docker() -> Iterator[PostgresInDocker]:
    """Run one until the block ends; its data go with it. Whatever Docker says where it cannot is not caught."""
    from testcontainers.community.postgres import PostgresContainer
    from testcontainers.core.config import testcontainers_config

    image = yaml.safe_load(COMPOSE.read_text())["services"]["postgres"]["image"]
    testcontainers_config.ryuk_disabled = True  # one more image that may not be there, and we clean up ourselves
    with PostgresContainer(image, username="hxi", dbname="hxi_dashboard", driver=None) as container:
        yield PostgresInDocker(container.get_connection_url())
