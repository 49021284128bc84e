"""Writes a table or view as a Parquet file, from one snapshot of the database, a few megabytes in memory at a time.

Rows come from PostgreSQL's binary COPY as Arrow batches (ADBC): nobody here looks at a value. Each batch becomes a row
group.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
from adbc_driver_manager import Error
from adbc_driver_postgresql.dbapi import connect
from pyarrow import ArrowException, RecordBatch, RecordBatchReader
from pyarrow.parquet import ParquetWriter

from pipeline.sinks.connection import CONNECT_TIMEOUT_S, one_line
from pipeline.sinks.contract import Unavailable
from schema.sql import query

COMPRESSION = "zstd"


class NotExported(Exception):
    """There is no such table or view, or it has no time to go by; the text says which."""


@dataclass(frozen=True, slots=True)
class Period:
    """From a moment to before another (UTC); None is without end."""

    start: datetime | None = None
    end: datetime | None = None


def export(url: str, name: str, period: Period, path: Path) -> int:
    """Write what is called ``name`` in public, or else in analytics, to ``path``; return how many rows that were.

    A period goes by the column ``window_start``, or else by the first TIMESTAMP; rows without one are in no period.

    Raises:
        Unavailable: the server cannot be reached, lets nobody in, or refuses to show it.
        NotExported: there is nothing of that name, or it has no time.
        OSError: the file cannot be written.
    """
    statement = _statement(url, name, period)
    rows = 0
    try:
        with connect(url) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            with (
                cursor.fetch_record_batch() as reader,
                ParquetWriter(path, reader.schema, compression=COMPRESSION) as writer,
            ):
                for batch in _batches(reader):
                    writer.write_batch(batch)
                    rows += batch.num_rows
    except Error as error:
        raise Unavailable(one_line(error)) from error
    return rows


def _batches(reader: RecordBatchReader) -> Iterator[RecordBatch]:
    try:
        yield from reader
    except (ArrowException, OSError) as error:  # by which Arrow tells of PostgreSQL's errors, too
        raise Unavailable(one_line(error)) from error


def _statement(url: str, name: str, period: Period) -> str:
    asked = {"name": name, "from_time": period.start, "to_time": period.end, "is_whole": period == Period()}
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S) as connection:
            found = connection.execute(query("export_statement"), asked).fetchone()
    except psycopg.Error as error:
        raise Unavailable(one_line(error)) from error
    if found is None:
        raise NotExported(f"there is no table or view {name} in the schemas public and analytics")
    statement, period_column = found
    if period_column is None and period != Period():
        raise NotExported(f"{name} has no time by which a period could be taken")
    return str(statement)
