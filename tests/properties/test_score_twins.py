"""Who is frustrated has a worse session than the same person in calm, and the score says so."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from random import Random

import pytest

from pipeline.decode import decode_events
from pipeline.fold import FoldPolicy
from pipeline.simulation import Mood, Person, Traffic, arrivals
from pipeline.simulation.moods import INDIVIDUALITY, TEMPERS, temper_of
from pipeline.simulation.visit import walk
from pipeline.sinks.memory import MemorySink
from schema.rows import KeptEvent
from tests.builders import DAY_S, NOON_US, POLICY, TOPICS, Owner, at, record

PAIRS = 100
SEED = 1
NOW = datetime(2040, 1, 1)  # noqa: DTZ001 - naive UTC, as rows hold it


@dataclass(frozen=True)
class Pair:
    """What the same person's session scores in two moods."""

    calm: int
    frustrated: int


def in_mood(person: Person, mood: Mood) -> Person:
    """Return the person in another mood: what sets the person apart from others of that mood stays."""
    return replace(person, mood=mood, temper=temper_of(TEMPERS[mood], INDIVIDUALITY, Random(person.seed)))


async def score(person: Person) -> int:
    """Return the score of the person's session, once it is over."""
    told = [event for stay in walk(person, seed=SEED) for event in stay.events]
    records = [record(event, offset=n, arrival_us=event["timestamp"] * 1000) for n, event in enumerate(told)]
    kept = [event for each in records for event in decode_events(each, POLICY) if isinstance(event, KeptEvent)]
    assert len(kept) == len(told)
    sink = MemorySink(lambda: NOW, FoldPolicy())
    owner = await Owner.of(sink)
    await owner.write(*kept)
    await owner.write(arrival_us=at(DAY_S))
    await sink.end_quiet_sessions(60, TOPICS)
    await sink.judge(1)
    (row,) = sink.experience_scores.values()
    return row.score


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    async def scores(mood: Mood) -> list[int]:
        return [await score(in_mood(person, mood)) for person in people]

    people = list(islice(arrivals(Traffic(), seed=SEED, start_ms=NOON_US // 1000), PAIRS))
    calm, frustrated = asyncio.run(scores(Mood.CALM)), asyncio.run(scores(Mood.FRUSTRATED))
    return [Pair(*both) for both in zip(calm, frustrated, strict=True)]


def test_a_frustrated_session_scores_lower_than_its_calm_twin_in_95_of_100_pairs(pairs: list[Pair]) -> None:
    """Of these 100 pairs 96 are lower; of 300 others 295. What is left are people who leave at once."""
    assert sum(pair.frustrated < pair.calm for pair in pairs) >= 95


def test_a_frustrated_session_hardly_ever_scores_higher_than_its_calm_twin(pairs: list[Pair]) -> None:
    assert sum(pair.frustrated > pair.calm for pair in pairs) <= 3


def test_frustration_costs_some_forty_points_on_average(pairs: list[Pair]) -> None:
    lost = sum(pair.calm - pair.frustrated for pair in pairs) / PAIRS
    assert 25 < lost < 55
