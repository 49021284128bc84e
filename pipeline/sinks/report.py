"""Reads what a report says, in one snapshot: while workers go on, its figures still agree with each other."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar

import psycopg
from psycopg import IsolationLevel
from psycopg.rows import class_row, dict_row

from pipeline.report import (
    LARGEST_PX,
    Cell,
    Depth,
    Emotion,
    Endpoint,
    ErrorGroup,
    Headlines,
    HotSpot,
    LatencyPoint,
    Mark,
    Move,
    Period,
    Report,
    ScoreBand,
    ScoreCause,
    ScreenMap,
    SessionLine,
)
from pipeline.sinks.connection import CONNECT_TIMEOUT_S, one_line
from pipeline.sinks.contract import Unavailable
from schema.sql import query

CELL_PX = 20
"""Of a heatmap's grid: half as much as a button is high."""

MOST_COLUMNS = 100
DEEPEST_PX = 10_000
"""Who scrolls deeper reads an endless list."""

STEPS = 3
"""Moves of a journey: more screens side by side leave no room for their names."""

MOST_SCREENS = 9
MOST_ENDPOINTS = 50
MOST_CHARTS = 6
MOST_HOT_SPOTS = 15
MOST_ERRORS = 10
MOST_CAUSES = 10
MOST_EMOTIONS = 10
MOST_SESSIONS = 30
MOST_MARKS = 300
"""In a session: its bar has about so many pixels."""

STATEMENT_TIMEOUT_S = 120

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Reader:
    """Asks about one period."""

    connection: psycopg.Connection[Any]
    period: Period

    def all(self, kind: type[T], name: str, **more: Any) -> list[T]:
        """Return what the query ``name`` finds, each row as a ``kind``, whose fields its columns name."""
        with self.connection.cursor(row_factory=class_row(kind)) as cursor:
            return cursor.execute(query(name), self._told(more)).fetchall()

    def rows(self, name: str, **more: Any) -> list[dict[str, Any]]:
        """Return what the query ``name`` finds, by columns."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query(name), self._told(more)).fetchall()

    def _told(self, more: dict[str, Any]) -> dict[str, Any]:
        return {"start": self.period.start, "end": self.period.end, **more}


def read_report(url: str, period: Period) -> Report:
    """Return the report of a period.

    Raises:
        Unavailable: the server cannot be reached, lets nobody in or read, or takes too long.
    """
    try:
        with _snapshot(url) as connection:
            return _report(_Reader(connection, period))
    except psycopg.Error as error:
        raise Unavailable(one_line(error)) from error


@contextmanager
def _snapshot(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_S) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.execute("SELECT set_config('timezone', 'UTC', true)")
        connection.execute("SELECT set_config('statement_timeout', %s, true)", (f"{STATEMENT_TIMEOUT_S}s",))
        yield connection


def _report(reader: _Reader) -> Report:
    period = reader.period
    endpoints = reader.all(Endpoint, "report_endpoints", most=MOST_ENDPOINTS)
    charted = [endpoint.api_endpoint for endpoint in endpoints[:MOST_CHARTS]]
    (headlines,) = reader.all(Headlines, "report_headlines")
    (before,) = _Reader(reader.connection, period.before).all(Headlines, "report_headlines")
    return Report(
        period=period,
        headlines=headlines,
        before=before,
        screens=[
            _screen(reader, found) for found in reader.rows("report_screens", most=MOST_SCREENS, largest_px=LARGEST_PX)
        ],
        moves=reader.all(Move, "report_moves", steps=STEPS),
        endpoints=endpoints,
        latency=reader.all(LatencyPoint, "report_latency", step=period.step, endpoints=charted),
        hot_spots=reader.all(HotSpot, "report_hot_spots", most=MOST_HOT_SPOTS),
        errors=reader.all(ErrorGroup, "report_errors", most=MOST_ERRORS),
        scores=reader.all(ScoreBand, "report_scores"),
        causes=reader.all(ScoreCause, "report_causes", most=MOST_CAUSES),
        emotions=reader.all(Emotion, "report_emotions", most=MOST_EMOTIONS),
        sessions=_sessions(reader),
    )


def _screen(reader: _Reader, found: dict[str, Any]) -> ScreenMap:
    columns = min(MOST_COLUMNS, max(1, round(found["viewport_width"] / CELL_PX)))
    about = {"screen_name": found["screen_name"], "device_class": found["device_class"], "deepest_px": DEEPEST_PX}
    return ScreenMap(
        **found,
        columns=columns,
        cell_px=CELL_PX,
        cells=reader.all(Cell, "report_clicks", **about, columns=columns, cell_px=CELL_PX),
        depths=reader.all(Depth, "report_depths", **about),
    )


def _sessions(reader: _Reader) -> list[SessionLine]:
    found = reader.rows("report_sessions", most=MOST_SESSIONS)
    marks = reader.rows("report_marks", sessions=[session["session_id"] for session in found], most=MOST_MARKS)
    of_session = {session_id: list(its) for session_id, its in groupby(marks, itemgetter("session_id"))}
    return [
        SessionLine(
            **session,
            marks=[
                Mark(mark["kind"], round((mark["at"] - session["start_time"]).total_seconds() * 1000), mark["label"])
                for mark in of_session.get(session["session_id"], ())
            ],
        )
        for session in found
    ]
