"""Reads what is in the tables, for commands that show it."""

from typing import Any, NamedTuple

import psycopg

from pipeline.sinks.connection import CONNECT_TIMEOUT_S, one_line
from pipeline.sinks.contract import Unavailable
from schema.sql import query


class Answer(NamedTuple):
    """The result of a named query."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


def ask(url: str, name: str, **parameters: Any) -> Answer:
    """Run the query ``name`` and return what it found; times are UTC.

    Raises:
        Unavailable: the server cannot be reached, or lets nobody in.
    """
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S) as connection:
            connection.execute("SET timezone TO 'UTC'")
            cursor = connection.execute(query(name), parameters)
            return Answer([column.name for column in cursor.description or ()], cursor.fetchall())
    except psycopg.OperationalError as error:
        raise Unavailable(one_line(error)) from error
