"""Who connects in tests: owners migrate and look on, workers and sinks may do what hxi_writer may and no more."""

from functools import cache
from urllib.parse import urlsplit

import psycopg
from psycopg.errors import DuplicateObject, UniqueViolation

LOGINS = {"hxi_writer": "a_worker", "hxi_analyst": "an_analyst"}
"""A login for each group role, whose password is its name."""


def as_writer(owner_url: str) -> str:
    """Return the URL of the database for a worker; some database of its server has been migrated."""
    return _as("hxi_writer", owner_url)


def as_analyst(owner_url: str) -> str:
    """Return the URL of the database for somebody who queries it."""
    return _as("hxi_analyst", owner_url)


def _as(group: str, owner_url: str) -> str:
    url, login = urlsplit(owner_url), LOGINS[group]
    if url.username != login:
        _make_login(group, login, url._replace(path="/hxi_dashboard").geturl())
    return url._replace(netloc=f"{login}:{login}@{url.netloc.rpartition('@')[2]}").geturl()


@cache
def _make_login(group: str, login: str, server_url: str) -> None:
    """Once for each server: its password, made by chance, is in the URL."""
    with psycopg.connect(server_url) as connection:
        try:
            connection.execute(f"CREATE ROLE {login} LOGIN PASSWORD '{login}' IN ROLE {group}".encode())
        except (DuplicateObject, UniqueViolation):
            connection.rollback()
