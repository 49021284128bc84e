"""What a flush or a judge reads back is found by index, whatever the planner knows of the tables."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from agents.embedded import Postgres
from pipeline.emotions import TYPES
from pipeline.moments import moment
from schema.sql import query
from tests.builders import at, numbered
from tests.conftest import new_database
from tests.deployment import fresh_name

SESSIONS = 500
EVENTS_PER_SESSION = 100
KNOWN = {"never analyzed": "", "analyzed": "ANALYZE"}
"""A young table has no statistics until autovacuum comes by: it is off here."""

FILL = f"""
    ALTER TABLE events SET (autovacuum_enabled = false);
    ALTER TABLE journey_steps SET (autovacuum_enabled = false);
    ALTER TABLE latency_metrics SET (autovacuum_enabled = false);
    INSERT INTO sessions (session_id)
    SELECT id FROM unnest(%(session_ids)s::uuid[]) AS id;
    INSERT INTO events (session_id, event_type, screen_name, timestamp, event_uuid)
    SELECT id, (ARRAY['click', 'mouse_move', 'page_view', 'scroll'])[n %% 4 + 1], '/a',
        %(noon)s + n * interval '1 second', gen_random_uuid()
    FROM unnest(%(session_ids)s::uuid[]) AS id, generate_series(1, {EVENTS_PER_SESSION}) AS n;
    INSERT INTO journey_steps (session_id, step_number, screen_name, event_time, derived)
    SELECT id, n, '/' || n, %(noon)s + n * interval '1 second', true
    FROM unnest(%(session_ids)s::uuid[]) AS id, generate_series(1, {EVENTS_PER_SESSION}) AS n;
    INSERT INTO latency_metrics (session_id, api_endpoint, latency_ms, status_code, recorded_at)
    SELECT id, '/a', n, 200, %(noon)s + n * interval '1 second'
    FROM unnest(%(session_ids)s::uuid[]) AS id, generate_series(1, {EVENTS_PER_SESSION}) AS n
"""
INDEXES = {
    "clicks_between": {"idx_events_timeline": ["session_id", "timestamp"]},
    "views_since": {"idx_events_timeline": ["session_id", "timestamp"]},
    "steps_before": {"idx_journey_steps_once": ["session_id"]},
    "timelines": {
        "idx_events_timeline": ["session_id", "timestamp"],
        "idx_latency_metrics_timeline": ["session_id", "recorded_at"],
    },
}
"""By which indexes, and what of each, every query finds its rows."""
PARAMETERS = {
    "timelines": ("session_ids", "from_times", "types"),
    "clicks_between": ("session_ids", "from_times", "to_times"),
    "views_since": ("session_ids", "times"),
    "steps_before": ("session_ids", "times"),
}


@pytest.fixture(scope="module", params=KNOWN)
def filled(request: pytest.FixtureRequest, postgres: Postgres, template_database: str) -> Iterator[Any]:
    """A connection to a database with 50 000 events, and as many steps and calls."""
    url = new_database(postgres.address, fresh_name("filled"), template_database)
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        session_ids = [numbered(n) for n in range(SESSIONS)]
        connection.execute(FILL.encode(), {"session_ids": session_ids, "noon": moment(at(0))})
        if statement := KNOWN[request.param]:
            connection.execute(statement.encode())
        yield connection


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return a plan's steps, at any depth."""
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


def arguments(name: str, number: int) -> list[Any]:
    """Return what a flush of ``number`` sessions, or their judge, asks for."""
    times: list[datetime] = [moment(at(50))] * number
    later = [time + timedelta(seconds=16) for time in times]
    known = {"session_ids": [numbered(n) for n in range(number)], "to_times": later, "types": list(TYPES)}
    return [known.get(parameter, times) for parameter in PARAMETERS[name]]


def assert_by_index(explained: tuple[Any, ...] | None, name: str) -> None:
    assert explained is not None
    ((whole,),) = explained
    indexes = INDEXES[name]
    steps = list(nodes(whole["Plan"]))
    probes = [step for step in steps if "Index Name" in step]
    assert {step["Index Name"] for step in probes} == indexes.keys(), whole
    assert all(column in step["Index Cond"] for step in probes for column in indexes[step["Index Name"]]), whole
    assert not [step for step in steps if step["Node Type"] == "Seq Scan"], whole


@pytest.mark.parametrize("number", [1, 20, SESSIONS])
@pytest.mark.parametrize("name", INDEXES)
def test_what_is_read_back_is_found_by_index(filled: psycopg.Connection[Any], name: str, number: int) -> None:
    bound = dict(zip(PARAMETERS[name], arguments(name, number), strict=True))
    assert_by_index(filled.execute(b"EXPLAIN (FORMAT JSON) " + query(name).encode(), bound).fetchone(), name)


@pytest.mark.parametrize("name", INDEXES)
def test_a_plan_for_any_arguments_goes_by_index_too(filled: psycopg.Connection[Any], name: str) -> None:
    """Connections prepare what they run often, and after a while plan it once and for all."""
    marks = {parameter: f"${n}" for n, parameter in enumerate(PARAMETERS[name], 1)}
    given = ", ".join(["%s"] * len(marks))
    filled.execute("SET plan_cache_mode = force_generic_plan")
    filled.execute(f"PREPARE any_{name} AS {query(name) % marks}".encode())
    explain = f"EXPLAIN (FORMAT JSON) EXECUTE any_{name} ({given})".encode()
    assert_by_index(filled.execute(explain, arguments(name, 20)).fetchone(), name)
