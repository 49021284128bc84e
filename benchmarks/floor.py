"""What PostgreSQL alone can take: the rows of ``events`` by binary COPY, from a client that only passes bytes on."""

import time

import psycopg

from benchmarks.measuring import cpu_s
from schema.rows import EventRow

ROWS_PER_TRANSACTION = 5_000
"""The size of a worker's flush."""

_COLUMNS = ", ".join(EventRow._fields)


def floor(url: str, server_pid: int) -> dict[str, float | None]:
    """Empty the database's ``events`` and fill it again with the same rows, users and sessions being there."""
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        rows = cursor.execute("SELECT count(*) FROM events").fetchall()[0][0]
        blocks = [_block(cursor, first) for first in range(0, rows, ROWS_PER_TRANSACTION)]
        cursor.execute("TRUNCATE events CASCADE")
        cursor.execute("CHECKPOINT")
        began, server = time.monotonic(), cpu_s(server_pid)
        for block in blocks:
            with cursor.copy(f"COPY events ({_COLUMNS}) FROM STDIN (FORMAT BINARY)".encode()) as copy:
                copy.write(block)
        return {
            "floor_rows_per_s": rows / (time.monotonic() - began),
            "floor_postgres_cpu_us": (cpu_s(server_pid) - server) / rows * 1e6,
        }


def _block(cursor: psycopg.Cursor[tuple[int, ...]], first: int) -> bytes:
    """Return a transaction's rows as PostgreSQL writes them: the client has nothing left to do."""
    some = f"SELECT {_COLUMNS} FROM events ORDER BY event_id LIMIT {ROWS_PER_TRANSACTION} OFFSET {first}"
    with cursor.copy(f"COPY ({some}) TO STDOUT (FORMAT BINARY)".encode()) as copy:
        return b"".join(copy)
