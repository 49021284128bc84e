"""Visits that grow old, and what ``hxi retention`` leaves of them."""

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

from pipeline.moments import moment
from pipeline.sinks.postgres import PostgresSink
from pipeline.sinks.retention import OldRows, RetentionPolicy
from schema.events import API_CALL, ERROR, PAGE_VIEW, SESSION_END
from schema.rows import ApiCall, JsError, KeptEvent
from tests.builders import APP, REPLAY, TOPICS, Owner, at, busy, facts, kept, kept_chunk
from tests.deployment import TABLES
from tests.locks import ask

RAW = ("events", "latency_metrics", "error_logs")
RESULTS = ("rage_click_events", "heatmap_points", "journey_steps", "emotion_predictions", "experience_scores")
ALL_DAYS = RetentionPolicy(1, 1, 1, 1)
OF_A_TABLE = {
    "latency_metrics_days": "latency_metrics",
    "error_logs_days": "error_logs",
    "rage_clicks_days": "rage_click_events",
    "heatmap_points_days": "heatmap_points",
    "journey_steps_days": "journey_steps",
    "emotions_days": "emotion_predictions",
}
"""What removes rows of one table alone, replays aside."""


def rows_of(url: str, session_id: UUID) -> dict[str, int]:
    """Return how many rows of each table are of this session, where there are any."""
    tables = [table for table in TABLES if table != "users"]
    counts = {table: ask(url, f"SELECT count(*) FROM {table} WHERE session_id = %s", session_id) for table in tables}
    return {table: rows for table, ((rows,),) in counts.items() if rows}


def results_of(url: str, session_id: UUID) -> dict[str, list[tuple[Any, ...]]]:
    """Return all results of this session but for the events that predictions refer to."""
    found = {}
    for table in RESULTS:
        rows = ask(
            url, f"SELECT to_jsonb(r) - 'event_id' FROM {table} AS r WHERE session_id = %s ORDER BY 1", session_id
        )
        found[table] = rows
    return found


def remove(url: str, policy: RetentionPolicy = ALL_DAYS) -> Counter[str]:
    """Run retention and return what went."""
    removed: Counter[str] = Counter()
    for rows in OldRows(url, APP, TOPICS, policy).remove():
        removed.update(rows)
    return +removed


def let_pass(url: str, days: float) -> None:
    """Let workers have read everything until so many days after noon."""
    passed = moment(at(0)) + timedelta(days=days)
    ask(url, "UPDATE hxi_state.ledger SET caught_up_at = %s", passed)


def visit(session_id: UUID, **fields: Any) -> list[KeptEvent]:
    """Return a visit that fills every table of events and results, and ends."""
    mine = {"session_id": session_id} | fields
    return [
        *busy(0, 60, **mine),
        *(kept(61 + n / 10, x=1, y=1, screen_name="/a", **mine) for n in range(3)),
        *(kept(62 + n, PAGE_VIEW, screen_name=f"/{n}", **mine) for n in range(3)),
        kept(66, API_CALL, api_call=ApiCall("/a", 900, 503), **mine),
        kept(67, ERROR, error=JsError("it broke", None), facts=facts(device_id="d"), **mine),
        kept(80, SESSION_END, **mine),
    ]


def latecomers(**fields: Any) -> list[KeptEvent]:
    """Return events of a visit that would change every table of events and results, were there the rest of it."""
    return [
        kept(62.5, PAGE_VIEW, screen_name="/new", **fields),
        *(kept(61.05 + n / 10, x=1, y=1, screen_name="/a", **fields) for n in range(3)),
        kept(40, ERROR, error=JsError("late", None), **fields),
        kept(41, API_CALL, api_call=ApiCall("/a", 900, 503), **fields),
    ]


async def fill(sink: PostgresSink, *sessions: list[KeptEvent]) -> Owner:
    """Write visits with a replay chunk each, and judge them."""
    owner = await Owner.of(sink, REPLAY)
    for n, events in enumerate(sessions):
        await owner.write(*events, kept_chunk(0, offset=n, session_id=events[0].session_id))
    await sink.judge(100)
    return owner
