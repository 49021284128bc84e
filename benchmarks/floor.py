"""What PostgreSQL alone can take: the rows that came out, by binary COPY, from a client that only passes bytes on."""

import time
from collections.abc import Sequence

import psycopg

from benchmarks.measuring import cpu_s
from benchmarks.rig import Figures

TABLES = ("events", "latency_metrics", "error_logs", "rage_click_events", "heatmap_points", "journey_steps")
"""Users, sessions and the sums behind ``latency_rollups`` stay: few rows, which the worker merges and COPY cannot."""

Cursor = psycopg.Cursor[tuple[int, ...]]
Blocks = list[tuple[bytes, bytes]]
"""A transaction: COPY statements and what they take."""


def floor(url: str, server_pid: int, events: int, transactions: int) -> Figures:
    """Empty the tables and fill them again with the same rows, in as many transactions as the worker made.

    Keys, indexes and references are those of the worker's own run. Figures are per event of ``events``, so that they
    stand beside the worker's.
    """
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        columns = {table: _columns(cursor, table) for table in TABLES}
        rows = {table: cursor.execute(f"SELECT count(*) FROM {table}".encode()).fetchall()[0][0] for table in TABLES}
        work = [_transaction(cursor, columns, rows, nth, transactions) for nth in range(transactions)]
        cursor.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE".encode())
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


def _columns(cursor: Cursor, table: str) -> Sequence[str]:
    """Return the table's columns, its serial key first."""
    return [column.name for column in cursor.execute(f"SELECT * FROM {table} LIMIT 0".encode()).description or ()]


def _transaction(cursor: Cursor, columns: dict[str, Sequence[str]], rows: dict[str, int], nth: int, of: int) -> Blocks:
    """Return the ``nth`` part of every table as PostgreSQL writes it: the client has nothing left to do."""
    blocks: Blocks = []
    for table, (key, *others) in columns.items():
        first, last = rows[table] * nth // of, rows[table] * (nth + 1) // of
        names = ", ".join(others)
        some = f"SELECT {names} FROM {table} ORDER BY {key} LIMIT {last - first} OFFSET {first}"
        with cursor.copy(f"COPY ({some}) TO STDOUT (FORMAT BINARY)".encode()) as copy:
            blocks.append((f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)".encode(), b"".join(copy)))
    return blocks


def _write(connection: psycopg.Connection[tuple[int, ...]], cursor: Cursor, blocks: Blocks) -> None:
    with connection.transaction():
        for statement, block in blocks:
            with cursor.copy(statement) as copy:
                copy.write(block)
