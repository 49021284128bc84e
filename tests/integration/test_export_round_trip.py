"""Every table and view that analysts may read comes back from Parquet row by row, as visitors have filled it."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, LiteralString
from zoneinfo import ZoneInfo

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from psycopg.rows import dict_row
from psycopg.types.composite import CompositeInfo, register_composite

from agents.commands.export import export_rows
from agents.settings import load_settings
from tests.replays import RECORDED, recorded_chunks, store
from tests.roles import as_analyst
from tests.visits import visits, write

BEGIN = datetime(2024, 1, 1)  # noqa: DTZ001 - UTC, as rows are
MIDDLE = "2024-01-01T00:01:00Z"

RELATIONS: LiteralString = """
    SELECT n.nspname || '.' || c.relname AS name
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('public', 'analytics') AND c.relkind IN ('r', 'p', 'v', 'm')
        AND has_table_privilege('hxi_analyst', c.oid, 'SELECT')
    ORDER BY name"""

TABLES = {
    "public.users",
    "public.sessions",
    "public.events",
    "public.rage_click_events",
    "public.heatmap_points",
    "public.journey_steps",
    "public.latency_metrics",
    "public.emotion_predictions",
    "public.experience_scores",
    "public.session_replay_chunks",
    "public.error_logs",
}
TIMELESS = {"analytics.bot_sessions", "analytics.session_devices"}
"""Have no time by which a period could be taken."""


@pytest.fixture(scope="module")
def analyst(own_database: str) -> str:
    """The address of a database that visitors have filled, for somebody who may read and no more."""
    asyncio.run(write(own_database, visits(1_500, BEGIN)))
    store(own_database, RECORDED, recorded_chunks())
    return as_analyst(own_database)


@pytest.fixture
def connection(analyst: str) -> Iterator["psycopg.Connection[dict[str, Any]]"]:
    with psycopg.connect(analyst, row_factory=dict_row) as connection:
        sketch = CompositeInfo.fetch(connection, "analytics.latency_sketch")
        assert sketch is not None
        register_composite(sketch, connection)
        yield connection


def relations(connection: "psycopg.Connection[dict[str, Any]]") -> list[str]:
    return [row["name"] for row in connection.execute(RELATIONS)]


def exported(analyst: str, name: str, folder: Path, start: str | None = None, end: str | None = None) -> Counter[str]:
    """Return each row as text, and how often it is there."""
    export_rows(load_settings({"HXI_DATABASE_URL": analyst}), name, start, end, folder / "out.parquet")
    table = pq.read_table(folder / "out.parquet")
    documents = {field.name for field in table.schema if field.type == pa.json_()}
    return Counter(
        repr({key: json.loads(value) if key in documents and value else value for key, value in row.items()})
        for row in table.to_pylist()
    )


def as_exported(value: Any) -> Any:
    """Return a value of PostgreSQL as a reader of Parquet should find it."""
    match value:
        case datetime(tzinfo=None):
            return value.replace(tzinfo=ZoneInfo("UTC"))
        case Decimal():
            return float(value)
        case tuple():
            return value._asdict()  # type: ignore[attr-defined]
        case _:
            return value


def test_each_row_of_each_table_and_view_comes_back_as_it_is(
    analyst: str, connection: "psycopg.Connection[dict[str, Any]]", tmp_path: Path
) -> None:
    filled = set()
    for name in relations(connection):
        rows = connection.execute(f"SELECT * FROM {name}".encode()).fetchall()
        expected = Counter(repr({key: as_exported(value) for key, value in row.items()}) for row in rows)
        assert exported(analyst, name, tmp_path) == expected, name
        if rows:
            filled.add(name)
    assert filled >= TABLES


def test_two_periods_that_meet_have_each_row_once(
    analyst: str, connection: "psycopg.Connection[dict[str, Any]]", tmp_path: Path
) -> None:
    halved = set()
    for name in set(relations(connection)) - TIMELESS:
        before = exported(analyst, name, tmp_path, end=MIDDLE)
        after = exported(analyst, name, tmp_path, start=MIDDLE)
        assert before + after == exported(analyst, name, tmp_path), name
        if before and after:
            halved.add(name)
    assert halved >= {"public.events", "public.sessions", "public.latency_rollups", "analytics.session_overview"}
