"""The sinks that keep one contract, each with a way to read what is in its tables."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from agents.embedded import Postgres
from pipeline.fold import FoldPolicy
from pipeline.sinks.contract import Sink
from pipeline.sinks.memory import MemorySink
from pipeline.sinks.postgres import PostgresSink
from schema.rows import EmotionRow
from tests.conftest import new_database
from tests.deployment import fresh_name
from tests.results import (
    Emotion,
    Results,
    emotions_in_memory,
    emotions_in_postgres,
    results_in_memory,
    results_in_postgres,
)
from tests.roles import as_writer

NOW = datetime(2040, 1, 1)  # noqa: DTZ001 - the twin's clock gives naive UTC, as rows hold it
EMPTY = b"""
    DELETE FROM experience_scores; DELETE FROM emotion_predictions; DELETE FROM hxi_state.unjudged;
    DELETE FROM hxi_state.session_users; DELETE FROM hxi_state.user_agents;
    DELETE FROM rage_click_events; DELETE FROM heatmap_points; DELETE FROM journey_steps;
    DELETE FROM hxi_state.latency_windows;
    DELETE FROM events; DELETE FROM latency_metrics; DELETE FROM error_logs; DELETE FROM session_replay_chunks;
    DELETE FROM sessions; DELETE FROM users; DELETE FROM hxi_state.ledger
"""
SERIAL_IDS = {"event_id", "id"}
OF_POSTGRES = {"removed", "swept", "is_final", "outline"}
"""Columns that `hxi retention` writes, and that PostgreSQL works out: the twin has neither."""

JSON_COLUMNS = {"metadata", "chunk_data", "issues", "reasons"}

Rows = list[dict[str, Any]]


class Store(Protocol):
    """A sink under test."""

    @property
    def sink(self) -> Sink:
        """Return the sink itself."""
        ...

    def table(self, name: str) -> Rows:
        """Return the rows of a table, serial ids left out, JSON parsed, in one order for all stores."""
        ...

    def results(self) -> Results:
        """Return what was derived from events."""
        ...

    def emotions(self) -> Counter[Emotion]:
        """Return the predictions, without those that others inserted."""
        ...

    def marks(self) -> dict[UUID, datetime | None]:
        """Return the sessions that are to be judged, and from when on they changed."""
        ...

    def feel(self, emotion: str, confidence: float, window_start: datetime) -> None:
        """Keep this as if it were what the first event's session was judged to be."""
        ...


@dataclass(slots=True)
class InMemory:
    """The twin."""

    sink: MemorySink = field(default_factory=lambda: MemorySink(lambda: NOW, FoldPolicy()))

    def table(self, name: str) -> Rows:
        name = name.removeprefix("hxi_state.")
        home = self.sink if hasattr(self.sink, name) else self.sink.results
        stored = getattr(home, name)
        rows = stored.values() if isinstance(stored, dict) else stored
        return _in_order([row if isinstance(row, dict) else row._asdict() for row in rows])

    def results(self) -> Results:
        return results_in_memory(self.sink)

    def emotions(self) -> Counter[Emotion]:
        return emotions_in_memory(self.sink)

    def marks(self) -> dict[UUID, datetime | None]:
        return dict(self.sink.unjudged)

    def feel(self, emotion: str, confidence: float, window_start: datetime) -> None:
        row = EmotionRow(self.sink.events[0].session_id, window_start, 0, emotion, confidence, "by hand", b"[]")
        self.sink.emotion_predictions[row.session_id, window_start] = row


@dataclass(slots=True)
class InPostgres:
    """The one that counts."""

    sink: PostgresSink
    url: str

    def table(self, name: str) -> Rows:
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            return _in_order(connection.execute(f"SELECT * FROM {name}".encode()).fetchall())

    def results(self) -> Results:
        with psycopg.connect(self.url) as connection:
            return results_in_postgres(connection)

    def emotions(self) -> Counter[Emotion]:
        with psycopg.connect(self.url) as connection:
            return emotions_in_postgres(connection)

    def marks(self) -> dict[UUID, datetime | None]:
        with psycopg.connect(self.url) as connection:
            return dict(connection.execute("SELECT session_id, changed_from FROM hxi_state.unjudged").fetchall())

    def feel(self, emotion: str, confidence: float, window_start: datetime) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(
                """
                INSERT INTO emotion_predictions (
                    session_id, event_id, predicted_emotion, confidence, window_start, model_version, reasons
                )
                SELECT session_id, event_id, %s, %s, %s, 'by hand', '[]' FROM events ORDER BY event_id LIMIT 1
                ON CONFLICT (session_id, window_start) WHERE window_start IS NOT NULL
                DO UPDATE SET predicted_emotion = EXCLUDED.predicted_emotion, confidence = EXCLUDED.confidence
                """,
                (emotion, confidence, window_start),
            )


def _in_order(rows: Rows) -> Rows:
    kept = [
        {name: _parsed(name, value) for name, value in row.items() if name not in SERIAL_IDS | OF_POSTGRES}
        for row in rows
    ]
    return sorted(kept, key=lambda row: str(sorted(row.items())))


def _parsed(name: str, value: Any) -> Any:
    return json.loads(value) if name in JSON_COLUMNS and isinstance(value, bytes) else value


@pytest.fixture(scope="session")
def shared_database(postgres: Postgres, template_database: str) -> str:
    """One migrated database for all tests here: emptying it takes a tenth of making one."""
    return new_database(postgres.address, fresh_name("contract"), template_database)


@pytest.fixture
async def in_postgres(shared_database: str) -> AsyncIterator[InPostgres]:
    with psycopg.connect(shared_database) as connection:
        connection.execute(EMPTY)
    sink = PostgresSink(as_writer(shared_database), "hxi-pipeline", FoldPolicy())
    yield InPostgres(sink, shared_database)
    await sink.close()


@pytest.fixture
def in_memory() -> InMemory:
    return InMemory()


@pytest.fixture(params=["in_memory", "in_postgres"])
def store(request: pytest.FixtureRequest) -> Store:
    chosen: Store = request.getfixturevalue(request.param)
    return chosen
