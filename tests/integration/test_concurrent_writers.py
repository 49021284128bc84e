"""Writers of two partitions share users and latency windows, and never wait for each other in a circle."""

import asyncio
import random
from collections.abc import Callable, Iterable
from uuid import UUID

import psycopg
import pytest

from pipeline.fold import FoldPolicy
from pipeline.sinks.postgres import PostgresSink
from schema.events import API_CALL, IDENTIFY
from schema.rows import ApiCall, KeptEvent, Partition
from tests.builders import Owner, kept, numbered, user
from tests.reference import RULES
from tests.results import expected_results, results_in_postgres, seen
from tests.roles import as_writer

Maker = Callable[[random.Random, UUID], list[KeptEvent]]

ROUNDS = 20
USERS = [numbered(n) for n in range(300)]
WINDOWS = [(minute, screen, f"/{n}x") for minute in range(3) for screen in (None, "", "/Á", "/z") for n in range(40)]
"""Minute, screen and endpoint: as many as make two writers meet in the middle of their statements."""


def calls(chance: random.Random, session_id: UUID) -> list[KeptEvent]:
    """Return a call for every window."""
    return [
        kept(
            minute * 60,
            API_CALL,
            session_id=session_id,
            screen_name=screen,
            api_call=ApiCall(endpoint, chance.randrange(5000), chance.choice([200, 500])),
        )
        for minute, screen, endpoint in WINDOWS
    ]


def words(chance: random.Random, session_id: UUID) -> list[KeptEvent]:
    """Return a word of every user."""
    return [
        kept(chance.randrange(100), IDENTIFY, session_id=session_id, user=user(one, email=f"{chance.random()}"))
        for one in USERS
    ]


def flush(chance: random.Random, session_id: UUID, *makers: Maker) -> list[KeptEvent]:
    """Return what ``makers`` make, in an order of its own."""
    events = [event for make in makers for event in make(chance, session_id)]
    chance.shuffle(events)
    return events


# Both together say less of windows: writers that share users wait for each other before they come to windows.
@pytest.mark.parametrize("makers", [[calls], [words], [calls, words]], ids=["windows", "users", "both"])
async def test_two_writers_add_up_and_never_deadlock(database_url: str, makers: list[Maker]) -> None:
    chance = random.Random(7)
    sinks = [PostgresSink(as_writer(database_url), "hxi-pipeline", FoldPolicy()) for _ in range(2)]
    owners = [await Owner.of(sink, Partition("ui-events", number)) for number, sink in enumerate(sinks)]
    told = [[flush(chance, numbered(1000 + number), *makers) for _ in range(ROUNDS)] for number in range(2)]

    for flushes in zip(*told, strict=True):  # side by side: else one waits, and is behind from then on
        await asyncio.gather(*(owner.write(*events) for owner, events in zip(owners, flushes, strict=True)))
    await asyncio.gather(*(sink.close() for sink in sinks))

    events = [event for flushes in told for events in flushes for event in events]
    with psycopg.connect(database_url) as connection:
        results = results_in_postgres(connection)
        people: dict[UUID, str] = dict(connection.execute("SELECT user_id, email FROM users").fetchall())
    assert results == expected_results(map(seen, events), RULES["hxi"], percentiles=True)
    assert {window[0] for window in results.latency.values()} == ({2 * ROUNDS} if calls in makers else set())
    assert people == latest_emails(events)


def latest_emails(events: Iterable[KeptEvent]) -> dict[UUID, str]:
    """Return what stands of all that was said of people: the latest, at equal times the greater text."""
    said = [(e.time_us, e.user.email, e.user.user_id) for e in events if e.user and e.user.email]
    return {user_id: email for _, email, user_id in sorted(said)}
