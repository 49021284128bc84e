"""Simulated people whose mood is known: worlds to train in, and worlds that the model has never seen.

In every world the habits that a mood brings are other ones, so that a model cannot learn one
world's by heart. People in the shifted worlds differ in what no training world varies, too.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, replace
from itertools import islice
from random import Random
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from pipeline.emotions.columns import WINDOW_US, columns_of
from pipeline.emotions.timeline import TimelineEvent
from pipeline.simulation import Mood, Person, Traffic, arrivals
from pipeline.simulation.devices import DECK
from pipeline.simulation.moods import INDIVIDUALITY, TEMPERS, Temper
from pipeline.simulation.visit import walk
from pipeline.training.windows import LabelledWindows, labelled, together
from pipeline.windows import window_start
from schema.fields import US_PER_MS

EMOTION_OF: Final[Mapping[Mood, str]] = {mood: "neutral" if mood is Mood.CALM else mood.value for mood in Mood}

SESSIONS: Final = 200
"""People in a world."""

START_MS: Final = 1_704_456_000_000
"""2024-01-05 12:00 UTC; any time would do."""

SPREAD: Final = 0.12
"""Standard deviation of the logarithm by which a mood's habits differ from world to world."""

ALL_MOODS: Final = dict.fromkeys(Mood, 1.0)


def similar_worlds(number: int, seed: int) -> LabelledWindows:
    """Return the windows of people in so many worlds like those that the default model is trained in."""
    return together(_windows(_world(seed + n), seed + n) for n in range(number))


def shifted_worlds(number: int, seed: int) -> LabelledWindows:
    """Return the windows of people who also are faster, shakier, busier and less alike, and hold more phones."""
    return together(_windows(_shifted(seed + n), seed + n) for n in range(number))


def fainter_worlds(number: int, seed: int) -> LabelledWindows:
    """Return the windows of people whom a mood takes only half as far from the calm, by the geometric mean."""
    return together(_windows(_fainter(seed + n), seed + n) for n in range(number))


def touch_worlds(number: int, seed: int) -> LabelledWindows:
    """Return the windows of people with phones and tablets only, which have no pointer."""
    touched = tuple(each for each in DECK if not each.has_pointer)
    return together(_windows(replace(_world(seed + n), devices=touched), seed + n) for n in range(number))


def _fainter(seed: int) -> Traffic:
    world = _world(seed)
    calm = world.tempers[Mood.CALM]
    means = {
        mood: {name: math.sqrt(value * getattr(calm, name)) for name, value in asdict(temper).items()}
        for mood, temper in world.tempers.items()
    }
    return replace(world, tempers={mood: Temper(**each) for mood, each in means.items()})


def _world(seed: int) -> Traffic:
    rng = Random(f"world {seed}")
    tempers = {mood: _scaled(TEMPERS[mood], _factors(rng)) for mood in Mood}
    return Traffic(moods=ALL_MOODS, tempers=tempers)


def _shifted(seed: int) -> Traffic:
    world = _world(seed)
    everyone = {"speed": 1.12, "reading": 1.1, "jitter": 1.2, "bow": 0.9, "deeds": 1.15}
    return replace(
        world,
        tempers={mood: _scaled(temper, everyone) for mood, temper in world.tempers.items()},
        individuality=1.1 * INDIVIDUALITY,
        devices=tuple(each for each in DECK if not each.has_pointer) + DECK[:8],
        sessions_per_minute=240,
        population=300,
        account_rate=0.8,
        ended_rate=0.3,
    )


def _factors(rng: Random) -> dict[str, float]:
    return {each.name: math.exp(rng.gauss(0.0, SPREAD)) for each in fields(Temper)}


def _scaled(temper: Temper, factors: Mapping[str, float]) -> Temper:
    return replace(temper, **{name: getattr(temper, name) * factor for name, factor in factors.items()})


def _windows(traffic: Traffic, seed: int) -> LabelledWindows:
    events: list[TimelineEvent] = []
    labels: dict[tuple[UUID, int], str] = {}
    for person in islice(arrivals(traffic, seed=seed, start_ms=START_MS), SESSIONS):
        of_person = list(timeline_of(person, seed))
        events += of_person
        labels |= {
            (event.session_id, window_start(event.time_us, WINDOW_US)): EMOTION_OF[person.mood] for event in of_person
        }
    return labelled(columns_of(events), labels)


def timeline_of(person: Person, seed: int) -> Iterator[TimelineEvent]:
    """Yield what a person does, as the tables would hold it."""
    session_id = UUID(person.session_id)
    for number, event in enumerate(event for stay in walk(person, seed=seed) for event in stay.events):
        yield TimelineEvent(
            session_id,
            event["timestamp"] * US_PER_MS,
            UUID(event["event_uuid"]),
            number,
            event["event_type"],
            event.get("screen_name") or urlsplit(event.get("page_url", "")).path or None,
            *(event.get(name) for name in TimelineEvent._fields[6:]),
        )
