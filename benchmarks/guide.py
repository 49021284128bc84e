"""The job as Faust's user guide teaches it: an agent a result, windowed tables, rows written by ``executemany``.

``python -m benchmarks.guide BOOTSTRAP TOPIC DATABASE_URL RECORDS`` reads the topic once, from its beginning, and prints
its wall and CPU microseconds per record, from the first record to the last that its last agent has done. A measure of
cost and no more: it knows no duplicates, refuses nothing, and counts again what it had counted before a crash.
"""

import sys
import time
from datetime import timedelta
from typing import Any

import faust
import psycopg
from faust.types import StreamT
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from agents.settings import Settings
from benchmarks.plain_faust import end, plain_app, run

PARTITIONS = Settings().topic_partitions
"""As many as the topic has that is read: Faust wants that of its tables."""

TAKE = 500
WITHIN_S = 0.2

TABLES = """
    CREATE TABLE guide_events (session_id uuid, event_type text, page_url text, element_id text, x int, y int,
        event_time timestamptz, event_uuid uuid);
    CREATE TABLE guide_rage_clicks (session_id uuid, element_id text, clicks int);
    CREATE TABLE guide_journeys (session_id uuid, step int, screen_name text);
    CREATE TABLE guide_heatmap (point text, weight int);
    CREATE TABLE guide_latency (api_endpoint text, calls int, latency_ms int);
"""


class Event(faust.Record, serializer="json"):  # type: ignore[call-arg, misc]
    """An event, as far as this job looks at it."""

    session_id: str
    event_type: str
    timestamp: int
    event_uuid: str | None = None
    page_url: str | None = None
    screen_name: str | None = None
    element_id: str | None = None
    x: float | None = None
    y: float | None = None
    api_endpoint: str | None = None
    latency_ms: float | None = None


def main() -> None:
    """Run the job until all its agents have seen all records, then exit."""
    bootstrap, topic_name, url, records = *sys.argv[1:4], int(sys.argv[4])
    app = plain_app("guide", bootstrap, topic_partitions=PARTITIONS)
    _make_changelogs(bootstrap, app.conf.id)
    topic = app.topic(topic_name, value_type=Event)
    progress = _Progress(records)
    database = _Database(url)

    @app.agent(topic)  # type: ignore[untyped-decorator]
    async def events(stream: StreamT[Event]) -> None:
        insert = "INSERT INTO guide_events VALUES (%s, %s, %s, %s, %s, %s, to_timestamp(%s), %s)"
        async for some in stream.take(TAKE, within=WITHIN_S):
            rows = [
                (e.session_id, e.event_type, e.page_url, e.element_id, e.x, e.y, e.timestamp / 1000, e.event_uuid)
                for e in some
            ]
            await database.write(insert, rows)
            progress.done("events", len(some))

    clicks = app.Table("clicks", default=int).tumbling(timedelta(seconds=1), expires=timedelta(minutes=1))

    @app.agent(topic)  # type: ignore[untyped-decorator]
    async def rage_clicks(stream: StreamT[Event]) -> None:
        async for event in stream:
            if event.event_type == "click":
                key = f"{event.session_id} {event.element_id}"
                clicks[key] += 1
                if clicks[key].value() == 3:
                    row = (event.session_id, event.element_id, 3)
                    await database.write("INSERT INTO guide_rage_clicks VALUES (%s, %s, %s)", [row])
            progress.done("rage_clicks")

    points = app.Table("points", default=int).tumbling(timedelta(seconds=10), expires=timedelta(minutes=1))

    @app.agent(topic)  # type: ignore[untyped-decorator]
    async def heatmap(stream: StreamT[Event]) -> None:
        rows = []
        async for event in stream:
            if event.event_type in ("click", "mouse_move") and event.x is not None and event.y is not None:
                key = f"{event.session_id} {event.screen_name} {event.x // 10} {event.y // 10}"
                points[key] += 1
                rows.append((key, points[key].value()))
            if len(rows) == TAKE:
                await database.write("INSERT INTO guide_heatmap VALUES (%s, %s)", rows)
                rows = []
            progress.done("heatmap")

    screens = app.Table("screens", default=list)

    @app.agent(topic)  # type: ignore[untyped-decorator]
    async def journeys(stream: StreamT[Event]) -> None:
        async for event in stream:
            if event.event_type in ("page_view", "screen_view"):
                steps = screens[event.session_id]
                if steps[-1:] != [event.screen_name]:
                    screens[event.session_id] = [*steps, event.screen_name]
                    row = (event.session_id, len(steps) + 1, event.screen_name)
                    await database.write("INSERT INTO guide_journeys VALUES (%s, %s, %s)", [row])
            progress.done("journeys")

    calls = app.Table("calls", default=int).tumbling(timedelta(minutes=1), expires=timedelta(hours=1))

    @app.agent(topic)  # type: ignore[untyped-decorator]
    async def latency(stream: StreamT[Event]) -> None:
        rows = []
        async for event in stream:
            if event.event_type == "api_call":
                calls[str(event.api_endpoint)] += 1
                rows.append((event.api_endpoint, calls[str(event.api_endpoint)].value(), event.latency_ms))
            if len(rows) == TAKE:
                await database.write("INSERT INTO guide_latency VALUES (%s, %s, %s)", rows)
                rows = []
            progress.done("latency")

    run(app)


def _make_changelogs(bootstrap: str, app_id: str) -> None:
    """Make them before Faust looks for them: where it makes them itself, it does not always find them at once."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    names = [f"{app_id}-{table}-changelog" for table in ("clicks", "points", "screens", "calls")]
    admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names])
    admin.close()


class _Database:
    """A connection that is opened when it is first needed, in the loop that needs it."""

    def __init__(self, url: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(TABLES.encode())
        self._url = url
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def write(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        """Write ``rows`` in a transaction of their own."""
        if self._connection is None:
            self._connection = await psycopg.AsyncConnection.connect(self._url)
        if rows:
            async with self._connection.cursor() as cursor:
                await cursor.executemany(statement.encode(), rows)
            await self._connection.commit()


class _Progress:
    """Ends the process once every agent has done all records."""

    def __init__(self, records: int) -> None:
        self._left = dict.fromkeys(("events", "rage_clicks", "heatmap", "journeys", "latency"), records)
        self._records = records
        self._began: tuple[float, float] | None = None

    def done(self, agent: str, records: int = 1) -> None:
        """Note that ``agent`` has done so many more."""
        self._began = self._began or (time.monotonic(), time.process_time())
        self._left[agent] -= records
        if not any(self._left.values()):
            wall, cpu = time.monotonic() - self._began[0], time.process_time() - self._began[1]
            end(wall / self._records * 1e6, cpu / self._records * 1e6)


if __name__ == "__main__":
    main()
