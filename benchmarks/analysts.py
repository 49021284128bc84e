"""Analysts: how long each question of ``docs/analysts.md`` takes, and whether its plan has an index.

The database has four weeks of events; the page asks for the last of them, and the same is asked of its last day, and
of all four.
"""

import time
from typing import Any

import psycopg

from benchmarks.history import BEGAN, fill
from benchmarks.measuring import Control, Meter, doubts
from benchmarks.report import Lines
from benchmarks.rig import Figures, Rig, Servers, say
from tests.questions import questions

TIMES = 3
"""That each question is asked of each period; the slowest counts, beside the first, which finds nothing in memory."""

FIRST, DAY, WEEK, MONTH, INDEX = "first, ms", "day, ms", "week, ms", "4 weeks, ms", "by index"

_ASKED_FROM = "'2024-01-01'"
_PERIODS = {DAY: "'2024-01-07'", WEEK: _ASKED_FROM, MONTH: f"'{BEGAN}'"}
"""By column, where the period begins."""


def lines() -> Lines:
    """Return a line of the table for each question."""
    return {question: (question, 0) for question in questions()}


def measure(events: int, servers: Servers) -> tuple[dict[str, Figures], list[str]]:
    """Return each question's times, and why they are not to be believed."""
    rig = Rig.prepare("analysts", servers)
    say(f"analysts: filling a database with {events} events")
    say(f"analysts: it has {fill(rig.database_url, events)}")
    before = Control.run()
    meter = Meter({"postgres": servers.pids["postgres"]})
    figures = ask_all(rig.database_url)
    doubtful = doubts(before, Control.run(), meter.read().others_share)
    say(verdict(figures))
    return figures, doubtful


def ask_all(url: str) -> dict[str, Figures]:
    """Return each question's times on a database that is filled already."""
    figures: dict[str, Figures] = {column: {} for column in (FIRST, *_PERIODS, INDEX)}
    with psycopg.connect(url, autocommit=True) as connection:
        for question, query in questions().items():
            figures[FIRST][question] = _ms(connection, query)
            for column, begins in _PERIODS.items():
                asked = query.replace(_ASKED_FROM, begins)
                figures[column][question] = max(_ms(connection, asked) for _ in range(TIMES))
            figures[INDEX][question] = float(_by_index(connection, query))
    return figures


def verdict(figures: dict[str, Figures]) -> str:
    """Return a sentence on the slowest question of a week."""
    times = {question: ms or 0 for question, ms in figures[WEEK].items()}
    slowest = max(times, key=lambda question: times[question])
    how = "with" if figures[INDEX][slowest] else "WITHOUT"
    return f"analysts: the slowest is {slowest!r}: {times[slowest]:.0f} ms, {how} an index in its plan"


def _ms(connection: psycopg.Connection[Any], query: str) -> float:
    began = time.perf_counter()
    connection.execute(query.encode()).fetchall()
    return (time.perf_counter() - began) * 1000


def _by_index(connection: psycopg.Connection[Any], query: str) -> bool:
    plan = connection.execute(b"EXPLAIN " + query.encode()).fetchall()
    return any("Index" in line for (line,) in plan)
