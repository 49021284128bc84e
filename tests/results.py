"""Results in one shape, whoever holds them: the reference, the sink in memory, PostgreSQL."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import pytest

from pipeline.moments import microseconds
from pipeline.sinks.memory import MemorySink
from schema.rows import KeptEvent
from tests import reference
from tests.reference import Seen

WITHIN = 0.0101
"""What percentiles may be off by: the sketch's 1 %, and what binary fractions lose. The contract allows 2 %."""


def seen(event: KeptEvent) -> Seen:
    """Return the event as the reference knows it."""
    names = Seen.__dataclass_fields__.keys() & KeptEvent._fields
    call = event.api_call._asdict() if event.api_call else {}
    return Seen(**{name: getattr(event, name) for name in names}, **call)


@dataclass(frozen=True)
class Results:
    """All results of some events; a latency window is its counts, mean, Apdex and, where known, percentiles."""

    rage_clicks: Counter[reference.RageClick]
    heatmap_points: Counter[reference.Point]
    journey_steps: Counter[reference.Step]
    latency: dict[reference.Window, tuple[Any, ...]]


def expected_results(
    events: Iterable[Seen], rule: reference.Rule, cell_px: int = 10, apdex_t_ms: int = 500, *, percentiles: bool = False
) -> Results:
    """Return what the reference makes of ``events``."""
    distinct = reference.deduplicated(events)
    return Results(
        reference.rage_clicks(distinct, rule),
        reference.heatmap_points(distinct, cell_px),
        reference.journey_steps(distinct),
        {
            key: _rollup(window, percentiles=percentiles)
            for key, window in reference.latency_rollups(distinct, apdex_t_ms).items()
        },
    )


def _rollup(window: reference.Rollup, *, percentiles: bool) -> tuple[Any, ...]:
    counts = (window.calls, window.errors, window.min_ms, window.max_ms)
    means = (pytest.approx(window.mean_ms), pytest.approx(window.apdex))
    quantiles = (window.p50, window.p95, window.p99) if percentiles else ()
    return (*counts, *means, *(pytest.approx(value, rel=WITHIN, abs=1e-9) for value in quantiles))


_POINT = ("session_id", "screen_name", "kind", "viewport_width", "viewport_height", "x", "y", "weight")


def results_in_memory(sink: MemorySink) -> Results:
    """Return what the twin holds; it knows no percentiles."""
    held = sink.results
    return Results(
        Counter(
            (*row[:4], microseconds(row.first_click_time), microseconds(row.last_click_time))
            for row in held.rage_click_events.values()
        ),
        Counter(
            (*(row[name] for name in _POINT), microseconds(row["event_time"])) for row in held.heatmap_points.values()
        ),
        Counter((*row[:3], microseconds(row.event_time)) for row in held.journey_steps.values()),
        {
            (microseconds(start), screen, endpoint): (
                *(row[name] for name in ("calls", "errors", "min_ms", "max_ms")),
                row["sum_ms"] / row["calls"],
                (row["satisfied"] + row["tolerating"] / 2) / row["calls"],
            )
            for (start, screen, endpoint), row in held.latency_windows.items()
        },
    )


_RAGE_CLICKS = """
    SELECT session_id, element_id, screen_name, click_count, first_click_time, last_click_time FROM rage_click_events
"""
_STEPS = "SELECT session_id, step_number, screen_name, event_time FROM journey_steps"
_WINDOWS = """
    SELECT window_start, screen_name, api_endpoint, calls, errors, min_ms, max_ms, mean_ms, apdex,
        p50_ms, p95_ms, p99_ms
    FROM latency_rollups
"""


def results_in_postgres(connection: psycopg.Connection[Any]) -> Results:
    """Return what the database holds."""
    return Results(
        Counter(_rows(connection, _RAGE_CLICKS)),
        Counter(_rows(connection, f"SELECT {', '.join(_POINT)}, event_time FROM heatmap_points")),
        Counter(_rows(connection, _STEPS)),
        {row[:3]: row[3:] for row in _rows(connection, _WINDOWS)},
    )


def _rows(connection: psycopg.Connection[Any], statement: str) -> Iterator[tuple[Any, ...]]:
    for row in connection.execute(statement.encode()):
        yield tuple(microseconds(value) if isinstance(value, datetime) else value for value in row)
