"""Growth: whether an event costs the same with 2 and 4 times the events, arrivals and partitions, and with full tables.

Every case is a drain of the mix. All are gone through twice, so that no case has the quiet minutes to itself, and the
cheaper time counts.
"""

from typing import NamedTuple

import psycopg

from benchmarks.drain import read
from benchmarks.loads import mix
from benchmarks.rig import Figures, Rig, Servers, say

TIMES = 2
"""That each case is measured."""

ROWS_BEFORE = 5_000_000


class Case(NamedTuple):
    """What is more than in the first case, in multiples; and rows that are in the tables before.

    More events come from more sessions. More arrivals a minute bring more sessions at once, with fewer events each.
    """

    events: int = 1
    arrivals: int = 1
    partitions: int = 1
    rows: int = 0


CASES = {
    "once": Case(),
    "events x2": Case(events=2),
    "events x4": Case(events=4),
    "arrivals x2": Case(arrivals=2),
    "arrivals x4": Case(arrivals=4),
    "partit. x2": Case(partitions=2),
    "partit. x4": Case(partitions=4),
    "full tables": Case(rows=ROWS_BEFORE),
}

LINES = {
    "worker_events_per_s": ("worker: events/s", 0),
    "worker_cpu_us": ("worker: CPU µs per event", 1),
    "worker_peak_mib": ("worker: peak memory, MiB", 0),
    "postgres_cpu_us": ("PostgreSQL: CPU µs per event", 1),
    "relative": ("both: CPU, relative to the first", 2),
    "sessions": ("sessions", 0),
    "rows_before": ("rows in the tables before", 0),
}
"""Every figure, how the table calls it, and its decimals."""


def measure(events: int, servers: Servers) -> dict[str, Figures]:
    """Return each case's figures; the first drains ``events``."""
    found: dict[str, Figures] = {}
    for nth in range(TIMES):
        for name, case in CASES.items():
            figures = _drain(f"growth-{nth}-{name}", case, events, servers)
            if name not in found or _cpu_us(figures) < _cpu_us(found[name]):
                found[name] = figures
    least = _cpu_us(found["once"])
    return {name: figures | {"relative": _cpu_us(figures) / least} for name, figures in found.items()}


def _drain(name: str, case: Case, events: int, servers: Servers) -> Figures:
    rig = Rig.prepare(name.replace(" ", "-").replace(".", ""), servers, HXI_TOPIC_PARTITIONS=str(8 * case.partitions))
    rows = _fill(rig.database_url, case.rows) if case.rows else 0
    say(f"{name}: {events * case.events} events")
    records = rig.publish(mix(events * case.events, arrivals=case.arrivals))
    figures, _ = read(rig, records, events * case.events)
    with psycopg.connect(rig.database_url) as connection:
        (sessions,) = connection.execute("SELECT count(*) FROM sessions").fetchall()[0]
    return figures | {"rows_before": rows, "sessions": sessions - case.rows // _ROWS_PER_SESSION}


def _fill(url: str, rows: int) -> int:
    """Put ``rows`` into the tables, as months of other sessions would have; return how many there are then."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # references hold: no need to look each up
        sessions = {"sessions": rows // _ROWS_PER_SESSION}
        filled = sum(connection.execute(statement, sessions).rowcount for statement in _FILLING)
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    return filled


_ROWS_PER_SESSION = 1 + 50 + 30 + 10 + 9

_FILLING = (
    """
    INSERT INTO sessions
        (session_id, start_time, end_time, duration_ms, last_event_time, last_record_at, ended_by_event)
    SELECT md5(s::text)::uuid, began, began + '5 min', 300000, began + '5 min', began + '5 min', true
    FROM generate_series(1, %(sessions)s) AS s,
        LATERAL (SELECT now() - '90 days'::interval + s * '1 min'::interval) AS t (began)
    """,
    """
    INSERT INTO events (session_id, event_type, page_url, screen_name, element_id, x, y, timestamp, event_uuid)
    SELECT s.session_id, (ARRAY['mouse_move', 'click', 'scroll', 'page_view', 'api_call'])[1 + n %% 5],
        'https://shop.example/products/' || n, '/products/' || n, 'button-' || n, n * 17, n * 31,
        s.start_time + n * '6 s'::interval, gen_random_uuid()
    FROM sessions AS s, generate_series(1, 50) AS n
    """,
    """
    INSERT INTO heatmap_points (session_id, screen_name, x, y, weight, event_time, kind, sum_x, sum_y, point_key)
    SELECT s.session_id, '/products/' || n, n * 17, n * 31, 1, s.start_time + n * '10 s'::interval, 'mouse_move',
        n * 17, n * 31, uuid_send(gen_random_uuid()) || int8send(n)
    FROM sessions AS s, generate_series(1, 30) AS n
    """,
    """
    INSERT INTO latency_metrics (session_id, screen_name, api_endpoint, latency_ms, status_code, recorded_at)
    SELECT s.session_id, '/products/' || n, '/api/products/' || n, n * 10, 200, s.start_time + n * '30 s'::interval
    FROM sessions AS s, generate_series(1, 10) AS n
    """,
    """
    INSERT INTO journey_steps (session_id, step_number, screen_name, event_time, derived)
    SELECT s.session_id, n, '/products/' || n, s.start_time + n * '30 s'::interval, true
    FROM sessions AS s, generate_series(1, 9) AS n
    """,
)


def _cpu_us(figures: Figures) -> float:
    return (figures["worker_cpu_us"] or 0) + (figures["postgres_cpu_us"] or 0)
