"""Whatever the order, the repetition, the restarts and the times of judging: predictions are those of all at once."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from random import Random
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from agents.embedded import Postgres
from pipeline.emotions import TimelineEvent
from pipeline.fold import FoldPolicy
from pipeline.simulation import Mood, Traffic, arrivals
from pipeline.sinks.memory import MemorySink
from pipeline.sinks.postgres import PostgresSink
from pipeline.training.worlds import START_MS, timeline_of
from schema.events import API_CALL, CLICK, ERROR, MOUSE_MOVE, PAGE_VIEW, SCROLL, SESSION_END
from schema.rows import ApiCall, KeptEvent
from tests.builders import OTHER_SESSION, SESSION, Owner, kept, numbered
from tests.conftest import new_database
from tests.contract.conftest import EMPTY
from tests.deployment import fresh_name
from tests.properties.worker import Worker
from tests.results import emotions_at_once_in_postgres, emotions_in_memory, emotions_in_postgres, expected_emotions
from tests.roles import as_writer

NOW = datetime(2040, 1, 1)  # noqa: DTZ001 - naive UTC, as rows hold it
ALL = 1000

Delivery = tuple[list[KeptEvent], list[list[KeptEvent]]]

KINDS = [
    MOUSE_MOVE,
    MOUSE_MOVE,
    MOUSE_MOVE,
    CLICK,
    CLICK,
    SCROLL,
    PAGE_VIEW,
    API_CALL,
    ERROR,
    "input",
    "other",
    SESSION_END,
]
CALLS = st.builds(ApiCall, st.just("/users"), st.integers(0, 3000), st.sampled_from([200, 404, 503]))
EVENTS = st.builds(
    lambda ms, kind, call, **fields: kept(ms / 1000, kind, api_call=call if kind == API_CALL else None, **fields),
    st.integers(0, 60).map(lambda n: n * 500) | st.integers(0, 30_000),
    st.sampled_from(KINDS),
    CALLS,
    screen_name=st.sampled_from(["/a", "/a", "/b", None]),
    element_id=st.sampled_from(["e", "f", None]),
    x=st.integers(0, 800) | st.none(),
    y=st.integers(0, 600) | st.none(),
    scroll_position=st.none() | st.integers(0, 4000),
)
SCENES = st.tuples(
    st.sampled_from([SESSION, SESSION, OTHER_SESSION]), st.integers(0, 40), st.lists(EVENTS, min_size=1, max_size=30)
)
"""What a session does in 30 seconds, so many half minutes after noon: some windows are full and others empty."""


def story(scenes: list[tuple[UUID, int, list[KeptEvent]]]) -> list[KeptEvent]:
    """Return the events of all scenes, each at its time, all but every ninth with an id."""
    moved = [
        replace(event, session_id=session_id, time_us=event.time_us + shift_us, client_us=event.client_us + shift_us)
        for session_id, half_minutes, events in scenes
        for event in events
        for shift_us in [half_minutes * 30_000_000]
    ]
    return [
        event if n % 9 == 8 else replace(event, event_uuid=numbered(n * 7919 % 1009)) for n, event in enumerate(moved)
    ]


@st.composite
def deliveries(draw: st.DrawFn) -> Delivery:
    """Return a story, and how it reaches one worker after another: shuffled, repeated and cut."""
    told = story(draw(st.lists(SCENES, min_size=1, max_size=5)))
    again = draw(st.lists(st.sampled_from(told), max_size=8))
    sent = draw(st.permutations(told + [event for event in again if event.event_uuid is not None]))
    cuts = sorted(draw(st.lists(st.integers(0, len(sent)), max_size=4)))
    return told, [list(sent[a:b]) for a, b in zip([0, *cuts], [*cuts, len(sent)], strict=True)]


async def deliver(
    sink: MemorySink | PostgresSink, runs: Sequence[Sequence[KeptEvent]], batch_size: int, most: int
) -> None:
    """Let a new worker do each of ``runs`` and judge up to ``most`` afterwards; judge all in the end."""
    for events in runs:
        await Worker(sink).run(events, batch_size)
        await sink.judge(most)
    while await sink.judge(ALL):
        pass


@given(deliveries(), st.integers(1, 40), st.integers(1, 2))
@settings(max_examples=200)
def test_predictions_are_those_of_all_events_at_once(delivery: Delivery, batch_size: int, most: int) -> None:
    told, runs = delivery
    sink = MemorySink(lambda: NOW, FoldPolicy())
    asyncio.run(deliver(sink, runs, batch_size, most))
    assert emotions_in_memory(sink) == expected_emotions(told)


@pytest.fixture(scope="module")
def emotions_database(postgres: Postgres, template_database: str) -> str:
    """One database for all examples, each of which empties it first."""
    return new_database(postgres.address, fresh_name("emotions"), template_database)


@given(deliveries(), st.integers(1, 40), st.integers(1, 2))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_predictions_in_postgresql_are_those_of_all_events_at_once(
    emotions_database: str, delivery: Delivery, batch_size: int, most: int
) -> None:
    told, runs = delivery

    async def write() -> None:
        sink = PostgresSink(as_writer(emotions_database), fresh_name("emotions"), FoldPolicy())
        await deliver(sink, runs, batch_size, most)
        await sink.close()

    with psycopg.connect(emotions_database, autocommit=True) as connection:
        connection.execute(EMPTY)
        asyncio.run(write())
        emotions = emotions_in_postgres(connection)
        assert emotions == emotions_at_once_in_postgres(connection)
    instants = {(event.session_id, event.time_us) for event in told}
    if len(instants) == len(told):  # else PostgreSQL has an order of its own for what is at one instant
        assert emotions == expected_emotions(told)


@pytest.mark.parametrize("number", range(25))
async def test_one_more_error_or_bad_call_never_raises_a_score(number: int) -> None:
    person = next(islice(arrivals(Traffic(moods={Mood.FRUSTRATED: 1.0}), seed=5, start_ms=START_MS), number, None))
    rng = Random(number)
    events = [kept_of(event) for event in timeline_of(person, seed=5)]
    sink = MemorySink(lambda: NOW, FoldPolicy())
    owner = await Owner.of(sink)
    await owner.write(*events, replace(events[-1], event_type=SESSION_END, event_uuid=None))
    await sink.judge(ALL)
    scores = [score_of(sink)]
    for _ in range(6):
        trouble = rng.choice([kept(0, ERROR), *(kept(0, API_CALL, api_call=ApiCall("/a", *bad)) for bad in BAD_CALLS)])
        shift_us = rng.randint(-3_000_000, 3_000_000)
        time_us = max(rng.choice(events).time_us + shift_us, events[0].time_us)
        await owner.write(replace(trouble, session_id=events[0].session_id, time_us=time_us, client_us=time_us))
        await sink.judge(ALL)
        scores.append(score_of(sink))
    assert scores == sorted(scores, reverse=True)


BAD_CALLS = [(100, 503), (15_000, 0), (900, 200), (4_000, 404)]
"""Milliseconds and status."""


def score_of(sink: MemorySink) -> int:
    (row,) = sink.experience_scores.values()
    return row.score


def kept_of(event: TimelineEvent) -> KeptEvent:
    """Return the event as the pipeline would keep it."""
    call = None if event.latency_ms is None else ApiCall("/a", event.latency_ms, event.status_code or 0)
    fields = {name: getattr(event, name) for name in TimelineEvent._fields if name in KeptEvent.__struct_fields__}
    return replace(kept(api_call=call), client_us=event.time_us, **fields)
