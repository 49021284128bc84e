"""Four weeks of the simulated shop in a database: some sessions written as a worker writes them, then copied by SQL.

The copies are what the sink itself would have left: rows lie in the order of their time, and latency windows are worked
out from all calls. Each copy of a session has other times, and the people are the same, who come back.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import psycopg

from pipeline.latency import normalised
from tests.visits import visits, write

BEGAN = datetime(2023, 12, 11)  # noqa: DTZ001 - as the tables' columns have it
ENDED = datetime(2024, 1, 8)  # noqa: DTZ001
"""A Monday, after four weeks."""

WRITTEN = 100_000
"""Events that the sink writes, duplicates among them; all are copies of these."""

_COPIED = (
    "events",
    "rage_click_events",
    "heatmap_points",
    "journey_steps",
    "latency_metrics",
    "emotion_predictions",
    "experience_scores",
    "session_replay_chunks",
    "error_logs",
)
_ORDER = {
    "events": "timestamp",
    "rage_click_events": "first_click_time",
    "heatmap_points": "event_time",
    "journey_steps": "event_time",
    "latency_metrics": "recorded_at",
    "error_logs": "occurred_at",
}
_OTHERWISE = {
    "session_id": "m.new_id",
    "event_uuid": "gen_random_uuid()",
    "event_id": "NULL",
}

_COPIES = """
    CREATE TEMP TABLE copies AS
    SELECT s.session_id, md5(s.session_id::text || k)::uuid AS new_id,
        %(began)s::timestamp - s.start_time + %(span)s::interval / %(copies)s
            * (k + (row_number() OVER nth - 0.5) / count(*) OVER (PARTITION BY k)) AS shift
    FROM sessions AS s CROSS JOIN generate_series(0, %(copies)s - 1) AS k
    WINDOW nth AS (PARTITION BY k ORDER BY s.start_time, s.session_id)
"""
_WINDOWS = """
    INSERT INTO hxi_state.latency_windows (
        window_start, screen_name, api_endpoint, calls, errors, min_ms, max_ms, sum_ms, satisfied, tolerating, sketch
    )
    SELECT window_start, screen_name, api_endpoint, sum(calls), sum(errors), min(min_ms), max(max_ms), sum(sum_ms),
        sum(satisfied), sum(tolerating),
        ROW(array_agg(bin ORDER BY bin), array_agg(calls ORDER BY bin))::analytics.latency_sketch
    FROM (
        SELECT date_trunc('minute', l.recorded_at) AS window_start, l.screen_name, e.normalised AS api_endpoint,
            CASE l.latency_ms WHEN 0 THEN -1 ELSE ceil(ln(l.latency_ms::float8) / ln(1.01 / 0.99))::int END AS bin,
            count(*) AS calls, count(*) FILTER (WHERE status_code = 0 OR status_code >= 500) AS errors,
            min(latency_ms) AS min_ms, max(latency_ms) AS max_ms, sum(latency_ms) AS sum_ms,
            count(*) FILTER (WHERE latency_ms <= 500) AS satisfied,
            count(*) FILTER (WHERE latency_ms > 500 AND latency_ms <= 2000) AS tolerating
        FROM latency_metrics AS l JOIN endpoints AS e ON e.api_endpoint = l.api_endpoint
        GROUP BY 1, 2, 3, 4
    ) AS bins
    GROUP BY 1, 2, 3
    ORDER BY 1
"""


def fill(url: str, events: int, written: int = WRITTEN) -> int:
    """Fill an empty, migrated database, of which the sink writes ``written``; return how many events it has then."""
    asyncio.run(write(url, visits(written, BEGAN)))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # references hold: no need to look each up
        connection.execute("SET work_mem = '256MB'")
        ((distinct,),) = connection.execute("SELECT count(*) FROM events").fetchall()
        _copy(connection, max(1, round(events / distinct)))
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
        ((filled,),) = connection.execute("SELECT count(*) FROM events").fetchall()
    return int(filled)


def _copy(connection: psycopg.Connection[Any], copies: int) -> None:
    """Put ``copies`` of each session, spread over the weeks, in place of the sessions that are there."""
    client = psycopg.ClientCursor(connection)
    client.execute(_COPIES.encode(), {"began": BEGAN, "span": ENDED - BEGAN - timedelta(hours=1), "copies": copies})
    for table in ("sessions", *_COPIED):
        connection.execute(f"CREATE TEMP TABLE written_{table} AS TABLE {table}".encode())
    connection.execute("TRUNCATE sessions, hxi_state.latency_windows CASCADE")
    for table in ("sessions", *_COPIED):
        connection.execute(_copying(connection, table).encode())
    connection.execute("CREATE TEMP TABLE endpoints (api_endpoint TEXT, normalised TEXT)")
    for (endpoint,) in connection.execute("SELECT DISTINCT api_endpoint FROM latency_metrics").fetchall():
        connection.execute("INSERT INTO endpoints VALUES (%s, %s)", (endpoint, normalised(endpoint)))
    connection.execute(_WINDOWS.encode())


def _copying(connection: psycopg.Connection[Any], table: str) -> str:
    """Return the statement that copies the rows of ``table``, whatever columns it has."""
    asked = """
        SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
        WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
    """
    values = {}
    for name, kind in connection.execute(asked, [table]).fetchall():
        if name == "id" or (table, name) == ("events", "event_id"):
            continue  # numbered anew
        shifted = f"w.{name} + m.shift" if kind == "timestamp without time zone" else f"w.{name}"
        values[name] = _OTHERWISE.get(name, shifted)
    order = f"w.{_ORDER.get(table, 'session_id')}" + (" + m.shift" if table in _ORDER else "")
    return (
        f"INSERT INTO {table} ({', '.join(values)}) SELECT {', '.join(values.values())} "
        f"FROM written_{table} AS w JOIN copies AS m USING (session_id) ORDER BY {order}"
    )
