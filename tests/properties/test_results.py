"""Whatever the order, the repetition, the batches and the restarts: results are those of the reference."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from agents.embedded import Postgres
from pipeline.fold import FoldPolicy
from pipeline.rage_clicks import PRESETS
from pipeline.sinks.memory import MemorySink
from pipeline.sinks.postgres import PostgresSink
from schema.events import API_CALL, CLICK, MOUSE_MOVE, PAGE_VIEW, SCREEN_VIEW, SCROLL
from schema.rows import ApiCall, KeptEvent
from tests import reference
from tests.builders import OTHER_SESSION, SESSION, kept, numbered
from tests.conftest import new_database
from tests.contract.conftest import EMPTY
from tests.deployment import fresh_name
from tests.properties.worker import LATENESS_S, Worker
from tests.results import Results, expected_results, results_in_memory, results_in_postgres, seen
from tests.roles import as_writer

Batches = Sequence[Sequence[KeptEvent]]

CELL_PX = 10
APDEX_T_MS = 300
NOW = datetime(2040, 1, 1)  # noqa: DTZ001 - naive UTC, as rows hold it

CALLS = st.builds(
    ApiCall,
    st.sampled_from(["/users/7", "/users/8?x=1", "/users", "/5f1d7f3a9c2b4e6d"]),
    st.sampled_from([0, 1, 2, 299, 300, 301, 1200, 1201, 2**31 - 1]) | st.integers(0, 5000),
    st.sampled_from([0, 200, 404, 499, 500, 503]),
)
SPACED_MS = st.integers(0, 6).map(lambda n: n * 333) | st.integers(0, LATENESS_S * 1000)
"""Clicks crowd at the beginning, some at the same instant; the rest is anywhere within the bound."""

EVENTS = st.builds(
    lambda ms, kind, call, **fields: kept(ms / 1000, kind, api_call=call if kind == API_CALL else None, **fields),
    SPACED_MS,
    st.sampled_from([CLICK, CLICK, CLICK, MOUSE_MOVE, SCROLL, PAGE_VIEW, SCREEN_VIEW, API_CALL, "other"]),
    CALLS,
    session_id=st.sampled_from([SESSION, SESSION, OTHER_SESSION]),
    screen_name=st.sampled_from(["/a", "/a", "/b", None]),
    element_id=st.sampled_from(["e", "e", "f", "stepper-1", "", None]),
    x=st.sampled_from([0, 10, 25, -7, None]),
    y=st.sampled_from([0, 20, 30, None]),
    scroll_position=st.none() | st.integers(0, 40),
    viewport_width=st.none() | st.just(800),
    viewport_height=st.none() | st.sampled_from([600, 601]),
)


def _with_ids(events: list[KeptEvent]) -> list[KeptEvent]:
    """Give all but every fifth an id of its own, which says nothing of their order."""
    return [
        event if n % 5 == 4 else structs.replace(event, event_uuid=numbered(n * 7919 % 1009))
        for n, event in enumerate(events)
    ]


STORIES = st.lists(EVENTS, min_size=1, max_size=25).map(_with_ids)


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[KeptEvent], list[list[KeptEvent]]]:
    """Return a story, and how it reaches one worker after another: shuffled, repeated and cut."""
    story = draw(STORIES)
    repeated = draw(st.lists(st.sampled_from(story), max_size=8))
    again = [event for event in repeated if event.event_uuid is not None]
    sent = draw(st.permutations(story + again))
    cuts = sorted(draw(st.lists(st.integers(0, len(sent)), max_size=3)))
    return story, [list(sent[a:b]) for a, b in zip([0, *cuts], [*cuts, len(sent)], strict=True)]


RULES = st.sampled_from(sorted(reference.RULES)).map(reference.RULES.__getitem__)
IGNORED = st.sampled_from([(), ("stepper-*",), ("f", "?")])


def policy(rule: reference.Rule) -> FoldPolicy:
    """Return the product's parameters for the reference's."""
    (name,) = [name for name, known in reference.RULES.items() if known == replace(rule, ignore=())]
    return FoldPolicy(replace(PRESETS[name], ignore_elements=rule.ignore), CELL_PX, APDEX_T_MS)


async def deliver(sink: MemorySink | PostgresSink, runs: Batches, batch_size: int, most_ids: int = 500_000) -> None:
    """Let a new worker do each of ``runs``."""
    for events in runs:
        await Worker(sink, most_ids).run(events, batch_size)


@given(deliveries(), st.integers(1, 9), st.sampled_from([0, 5, 500_000]), RULES, IGNORED)
@settings(max_examples=400)
def test_results_are_those_of_the_reference(
    delivery: tuple[list[KeptEvent], Batches],
    batch_size: int,
    most_ids: int,
    rule: reference.Rule,
    ignored: tuple[str, ...],
) -> None:
    story, runs = delivery
    rule = replace(rule, ignore=ignored)
    sink = MemorySink(lambda: NOW, policy(rule))
    asyncio.run(deliver(sink, runs, batch_size, most_ids))
    assert results_in_memory(sink) == expected_results(map(seen, story), rule, CELL_PX, APDEX_T_MS)


@pytest.fixture(scope="module")
def results_database(postgres: Postgres, template_database: str) -> str:
    """One database for all examples, each of which empties it first."""
    return new_database(postgres.address, fresh_name("results"), template_database)


@given(deliveries(), st.integers(1, 9), RULES, IGNORED)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_results_in_postgresql_are_those_of_the_reference(
    results_database: str,
    delivery: tuple[list[KeptEvent], Batches],
    batch_size: int,
    rule: reference.Rule,
    ignored: tuple[str, ...],
) -> None:
    story, runs = delivery
    rule = replace(rule, ignore=ignored)

    async def write() -> None:
        sink = PostgresSink(as_writer(results_database), fresh_name("results"), policy(rule))
        await deliver(sink, runs, batch_size)
        await sink.close()

    with psycopg.connect(results_database, autocommit=True) as connection:
        connection.execute(EMPTY)
        asyncio.run(write())
        assert results_in_postgres(connection) == expected_results(
            map(seen, story), rule, CELL_PX, APDEX_T_MS, percentiles=True
        )


YEARS_US = 8 * 365 * 86_400 * 1_000_000
"""Whole minutes, so that windows begin where they did."""


@given(STORIES, RULES)
def test_events_of_years_ago_give_the_results_of_fresh_ones(story: list[KeptEvent], rule: reference.Rule) -> None:
    def results(events: list[KeptEvent]) -> Results:
        sink = MemorySink(lambda: NOW, policy(rule))
        asyncio.run(deliver(sink, [events], batch_size=7))
        return results_in_memory(sink)

    def moved(time_us: int) -> int:
        return time_us - YEARS_US

    fresh = results(story)
    old = results([structs.replace(e, time_us=moved(e.time_us), client_us=moved(e.client_us)) for e in story])
    assert old.rage_clicks == Counter((*r[:4], moved(r[4]), moved(r[5])) for r in fresh.rage_clicks.elements())
    assert old.heatmap_points == Counter((*p[:8], moved(p[8])) for p in fresh.heatmap_points.elements())
    assert old.journey_steps == Counter((*s[:3], moved(s[3])) for s in fresh.journey_steps.elements())
    assert old.latency == {(moved(key[0]), *key[1:]): window for key, window in fresh.latency.items()}
