"""Results in one shape, whoever holds them: the reference, the sink in memory, PostgreSQL."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import pytest

from pipeline.emotions import (
    TYPES,
    TimelineEvent,
    columns_of,
    default_model,
    judged_from,
    predictions,
    unpacked,
)
from pipeline.moments import microseconds
from pipeline.sinks.memory import MemorySink
from schema.events import API_CALL
from schema.json_text import parse
from schema.rows import EmotionRow, KeptEvent
from schema.sql import query
from tests import reference
from tests.reference import Seen

WITHIN = 0.0101
"""What percentiles may be off by: the sketch's 1 %, and what binary fractions lose. The contract allows 2 %."""


def seen(event: KeptEvent) -> Seen:
    """Return the event as the reference knows it."""
    names = Seen.__dataclass_fields__.keys() & set(KeptEvent.__struct_fields__)
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


class Emotion(NamedTuple):
    """A prediction, its ``reasons`` parsed, and what tells the event that completed the evidence from others."""

    session_id: UUID
    window_us: int
    emotion: str
    confidence: float
    model_version: str
    reasons: str
    event_uuid: UUID | None
    event_us: int
    event_type: str


def expected_emotions(events: Collection[KeptEvent]) -> Counter[Emotion]:
    """Return what one call makes of all ``events``, none of which comes twice."""
    if not events:
        return Counter()
    timeline = [_on_timeline(number, event) for number, event in enumerate(events)]
    by_number = {e.event_id: e for e in timeline if e.event_id is not None}
    since = dict.fromkeys((e.session_id for e in events), judged_from(min(e.time_us for e in events)))
    rows = predictions(columns_of(timeline), since, default_model())
    return Counter(_emotion(row, *_identity(by_number[row.event_id])) for row in rows)


def emotions_in_memory(sink: MemorySink) -> Counter[Emotion]:
    """Return the twin's predictions."""
    completed = ((row, sink.events[row.event_id]) for row in sink.emotion_predictions.values())
    return Counter(_emotion(row, e.event_uuid, microseconds(e.timestamp), e.event_type) for row, e in completed)


def emotions_in_postgres(connection: psycopg.Connection[Any]) -> Counter[Emotion]:
    """Return the database's predictions, without those that others inserted."""
    rows = _rows(
        connection,
        """
        SELECT p.session_id, window_start, predicted_emotion, confidence, model_version, reasons::text,
            event_uuid, timestamp, event_type
        FROM emotion_predictions AS p JOIN events USING (event_id) WHERE window_start IS NOT NULL
        """,
    )
    return Counter(Emotion(*row)._replace(reasons=_parsed(row[5].encode())) for row in rows)


def emotions_at_once_in_postgres(connection: psycopg.Connection[Any]) -> Counter[Emotion]:
    """Return what one call makes of all events in the database."""
    session_ids = [session_id for (session_id,) in connection.execute("SELECT session_id FROM sessions")]
    parameters = {"session_ids": session_ids, "from_times": [datetime(2000, 1, 1)] * len(session_ids)}  # noqa: DTZ001
    timelines = connection.execute(query("timelines"), parameters | {"types": list(TYPES)}, binary=True).fetchall()
    rows = predictions(unpacked(dict(timelines)), dict.fromkeys(session_ids, 0), default_model())
    identities = connection.execute("SELECT event_id, event_uuid, timestamp, event_type FROM events").fetchall()
    by_id = {event_id: (key, microseconds(time), kind) for event_id, key, time, kind in identities}
    return Counter(_emotion(row, *by_id[row.event_id]) for row in rows)


def _emotion(row: EmotionRow, event_uuid: UUID | None, event_us: int, event_type: str) -> Emotion:
    return Emotion(
        row.session_id,
        microseconds(row.window_start),
        row.predicted_emotion,
        row.confidence,
        row.model_version,
        _parsed(row.reasons),
        event_uuid,
        event_us,
        event_type,
    )


def _on_timeline(number: int, e: KeptEvent) -> TimelineEvent:
    if e.api_call is None:
        where = (e.screen_name, e.element_id, e.x, e.y, e.scroll_position)
        return TimelineEvent(e.session_id, e.time_us, e.event_uuid, number, e.event_type, *where, None, None)
    took = (e.api_call.latency_ms, e.api_call.status_code)
    return TimelineEvent(e.session_id, e.time_us, None, None, API_CALL, e.screen_name, None, None, None, None, *took)


def _identity(event: TimelineEvent) -> tuple[UUID | None, int, str]:
    return event.event_uuid, event.time_us, event.event_type


def _parsed(reasons: bytes) -> str:
    """Return JSON in one writing for all who hold it, to be compared and counted."""
    numbers = ("value", "typical", "weight")
    return repr([(reason["feature"], *(float(reason[name]) for name in numbers)) for reason in parse(reasons)])
