"""Laws that hold for any input: nothing vanishes, order and repetition do not matter, rows are stored as they are."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.decode import decode_chunk, decode_events
from pipeline.fold import FoldPolicy
from pipeline.sessions import session_rows
from pipeline.sinks.connection import connect
from pipeline.sinks.memory import MemorySink
from pipeline.sinks.tables import write_rows
from schema.events import SESSION_END, Event
from schema.json_text import dump
from schema.rows import DeadLetter, EventRow, KeptEvent, Place, Rows
from schema.sql import query
from tests.builders import EVENTS, OTHER_SESSION, POLICY, SESSION, facts, kept, message, numbered, record, user
from tests.properties.worker import LATENESS_S, Worker

INT4 = st.integers(-(2**31), 2**31 - 1)
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=50)
NUMBERS = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.none() | st.booleans() | NUMBERS | TEXT
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)
MISSENT = st.dictionaries(st.sampled_from([*Event.model_fields, "events", "else"]), JSON, max_size=6)
MESSAGES = st.builds(lambda fields: message() | fields, MISSENT)


@given(st.binary(max_size=60) | MESSAGES.map(json.dumps).map(str.encode) | JSON.map(json.dumps).map(str.encode))
def test_any_bytes_come_to_an_outcome(raw: bytes) -> None:
    events = list(decode_events(record(raw, offset=4), POLICY))
    assert events
    for outcome in [*events, decode_chunk(record(raw, offset=4), POLICY)]:
        assert (outcome.place.partition, outcome.place.offset) == (EVENTS, 4)
        if isinstance(outcome, DeadLetter):
            assert outcome.value == raw or outcome.place.index is not None
            assert 0 < len(outcome.detail) <= 500


@given(MISSENT, st.lists(MISSENT | JSON, min_size=1, max_size=6))
def test_each_event_of_a_batch_comes_to_exactly_one_outcome(shared: dict[str, Any], events: list[Any]) -> None:
    places = [outcome.place for outcome in decode_events(record(shared | {"events": events}), POLICY)]
    assert places == [Place(EVENTS, 0, index) for index in range(len(events))]


@given(MISSENT, MESSAGES, st.integers(0, 5))
def test_bad_events_around_a_good_one_do_not_change_it(bad: dict[str, Any], good: dict[str, Any], before: int) -> None:
    (alone,) = decode_events(record({"events": [good]}), POLICY)
    surrounded = list(decode_events(record({"events": [bad] * before + [good, bad]}), POLICY))
    beside = surrounded[before]
    assert isinstance(beside, KeptEvent | DeadLetter)
    assert replace(beside, place=alone.place) == alone


def tables(sink: MemorySink) -> Any:
    """Return what the sink holds, in no order."""
    return sink.users, sink.sessions, sorted(sink.events, key=str), sorted(sink.latency_metrics, key=str)


def outcome_of(*runs: Sequence[KeptEvent], batch_size: int = 100, most_ids: int = 500_000) -> Any:
    """Return the tables after ``runs``, each by a worker that knows nothing of the one before."""

    async def all_runs() -> MemorySink:
        sink = MemorySink(lambda: datetime(2040, 1, 1), FoldPolicy())  # noqa: DTZ001 - naive UTC, as rows hold it
        for events in runs:
            await Worker(sink, most_ids).run(events, batch_size)
        return sink

    return tables(asyncio.run(all_runs()))


def _event(parts: tuple[int, str, UUID, str | None, str | None]) -> KeptEvent:
    quarters, event_type, session_id, email, device = parts
    person = None if email is None else user(numbered(ord(email)), email=email, locale=f"for {device}")
    said = None if device is None else facts(device_id=device)
    return kept(quarters / 4, event_type, session_id=session_id, user=person, facts=said)


STORIES = st.lists(
    st.tuples(
        st.integers(0, 4 * 5 * LATENESS_S),
        st.sampled_from(["click", SESSION_END]),
        st.sampled_from([SESSION, OTHER_SESSION]),
        st.none() | st.sampled_from("ab"),
        st.none() | st.sampled_from("xyz"),
    ).map(_event),
    min_size=1,
    max_size=12,
).map(lambda events: [replace(event, event_uuid=numbered(n)) for n, event in enumerate(events)])
BATCH_SIZES = st.integers(1, 8)


@given(STORIES, st.data(), BATCH_SIZES, st.sampled_from([0, 5, 500_000]))
def test_order_and_repetition_do_not_change_the_tables(
    story: list[KeptEvent], data: st.DataObject, batch_size: int, most_ids: int
) -> None:
    repeated = data.draw(st.lists(st.sampled_from(story), max_size=6))
    shuffled = data.draw(st.permutations(story + repeated))
    assert outcome_of(shuffled, batch_size=batch_size, most_ids=most_ids) == outcome_of(story)


@given(STORIES, st.data(), BATCH_SIZES)
def test_replaying_any_prefix_changes_nothing(story: list[KeptEvent], data: st.DataObject, batch_size: int) -> None:
    prefix = story[: data.draw(st.integers(0, len(story)))]
    once = outcome_of(story)
    assert outcome_of(prefix, story, batch_size=batch_size) == once
    assert outcome_of(story, prefix, batch_size=batch_size) == once


MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001 - rows hold naive UTC
EVENT_ROWS = st.builds(
    EventRow,
    session_id=st.sampled_from([SESSION, OTHER_SESSION]),
    event_type=TEXT,
    page_url=st.none() | TEXT,
    screen_name=st.none() | TEXT,
    element_id=st.none() | TEXT,
    element_type=st.none() | TEXT,
    x=st.none() | INT4,
    y=st.none() | INT4,
    scroll_position=st.none() | INT4,
    timestamp=MOMENTS,
    metadata=st.none() | st.dictionaries(TEXT, JSON, max_size=4).map(dump),
    event_uuid=st.none() | st.uuids(),
    viewport_width=st.none() | INT4,
    viewport_height=st.none() | INT4,
)
COLUMNS = [f"{name}::text" if name == "metadata" else name for name in EventRow._fields]
SESSIONS = session_rows([kept(0, session_id=SESSION), kept(0, session_id=OTHER_SESSION)], [])


def exact(raw: str | bytes | None) -> Any:
    """Parse JSON with every digit of its numbers."""
    return None if raw is None else json.loads(raw, parse_int=Decimal, parse_float=Decimal)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(EVENT_ROWS, min_size=1, max_size=5))
def test_a_row_comes_back_from_the_database_as_it_went_in(database_url: str, rows: list[EventRow]) -> None:
    async def round_trip() -> list[tuple[Any, ...]]:
        connection = await connect(database_url, "test")
        async with connection, connection.transaction(force_rollback=True), connection.cursor() as cursor:
            await cursor.execute(query("staging").encode())
            await write_rows(cursor, Rows(sessions=SESSIONS, events=rows))
            await cursor.execute(f"SELECT {', '.join(COLUMNS)} FROM events ORDER BY event_id".encode())
            return await cursor.fetchall()

    stored = [EventRow._make(row) for row in asyncio.run(round_trip())]
    assert [row._replace(metadata=exact(row.metadata)) for row in stored] == [
        row._replace(metadata=exact(row.metadata)) for row in rows
    ]
