"""What PostgreSQL alone can take: the rows that came out, by binary COPY, from a client that only passes bytes on."""

import time
from collections.abc import Mapping

import psycopg

from benchmarks.measuring import cpu_s
from benchmarks.rig import Figures

FIRST = ("users", "sessions")
"""All others refer to them: they are in the first transaction."""

EVENTLY = (
    "events",
    "latency_metrics",
    "error_logs",
    "rage_click_events",
    "heatmap_points",
    "journey_steps",
    "session_replay_chunks",
)
"""A part of each is in every transaction."""

LAST = ("emotion_predictions", "experience_scores", "hxi_state.latency_windows")
"""They refer to any of the others, or are of all of them: they are in the last transaction."""

Cursor = psycopg.Cursor[tuple[int, ...]]
Blocks = list[tuple[bytes, bytes]]
"""A transaction: COPY statements and what they take."""


def rows_by_table(url: str) -> dict[str, int]:
    """Return how many rows each table has: first those that go on growing while the worker judges."""
    with psycopg.connect(url, autocommit=True) as connection:
        return {
            table: connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchall()[0][0]
            for table in (*LAST, *FIRST, *EVENTLY)
        }


def floor(url: str, server_pid: int, events: int, transactions: int, rows: Mapping[str, int]) -> Figures:
    """Empty the tables and fill them again with so many of their rows, in as many transactions as the worker made.

    Keys, indexes and references are those of the worker's own run. Figures are per event of ``events``, so that they
    stand beside the worker's.
    """
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        work = [_transaction(cursor, rows, nth, transactions) for nth in range(transactions)]
        cursor.execute(f"TRUNCATE {', '.join(rows)} CASCADE".encode())
        cursor.execute("CHECKPOINT")
        began, server = time.monotonic(), cpu_s(server_pid)
        for blocks in work:
            _write(connection, cursor, blocks)
        wall = time.monotonic() - began
        return {
            "floor_events_per_s": events / wall,
            "floor_rows_per_s": sum(rows.values()) / wall,
            "floor_rows_per_event": sum(rows.values()) / events,
            "floor_postgres_cpu_us": (cpu_s(server_pid) - server) / events * 1e6,
        }


def _transaction(cursor: Cursor, rows: Mapping[str, int], nth: int, of: int) -> Blocks:
    """Return what the ``nth`` transaction takes, as PostgreSQL writes it: the client has nothing left to do."""
    first = [_block(cursor, table, 0, rows[table]) for table in FIRST if nth == 0]
    parts = [_block(cursor, table, rows[table] * nth // of, rows[table] * (nth + 1) // of) for table in EVENTLY]
    last = [_block(cursor, table, 0, rows[table]) for table in LAST if nth == of - 1]
    return first + parts + last


def _block(cursor: Cursor, table: str, start: int, stop: int) -> tuple[bytes, bytes]:
    """Return some rows in the order in which they lie in the table, keys included."""
    names = ", ".join(_columns(cursor, table))
    some = f"SELECT {names} FROM {table} ORDER BY ctid LIMIT {stop - start} OFFSET {start}"
    with cursor.copy(f"COPY ({some}) TO STDOUT (FORMAT BINARY)".encode()) as copy:
        return f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)".encode(), b"".join(copy)


def _columns(cursor: Cursor, table: str) -> list[str]:
    """Return the columns that are written, not generated."""
    return [
        str(name)
        for (name,) in cursor.execute(
            "SELECT attname FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
            [table],
        )
    ]


def _write(connection: psycopg.Connection[tuple[int, ...]], cursor: Cursor, blocks: Blocks) -> None:
    with connection.transaction():
        for statement, block in blocks:
            with cursor.copy(statement) as copy:
                copy.write(block)
