"""A thousand sessions' worth of facts, in three orders and cut into different flushes, give the same rows."""

import random
from uuid import UUID, uuid5

import psycopg
import pytest

from agents.embedded import Postgres
from pipeline.flush import Flush, Span
from pipeline.fold import FoldPolicy
from pipeline.sinks.postgres import PostgresSink
from pipeline.tidy import USER_NAMESPACE
from schema.rows import KeptEvent, Partition, Place, SessionFacts, UserFacts
from tests.conftest import new_database
from tests.deployment import fresh_name
from tests.roles import as_writer

EVENTS = Partition("ui-events", 0)
NOON_US = 1_772_366_400_000_000
SESSIONS = 1000
USERS = 150


def facts() -> list[KeptEvent]:
    """Return several events per session, most of which say something of the session or its user."""
    chance = random.Random(5)

    def maybe(*values: str) -> str | None:
        return chance.choice([None, *values])

    events: list[KeptEvent] = []
    for number in range(SESSIONS):
        session_id = UUID(int=number + 1)
        for _ in range(chance.randint(1, 5)):
            name = f"customer-{chance.randrange(USERS)}"
            user_id = uuid5(USER_NAMESPACE, name)
            user = UserFacts(user_id, name, maybe("a@x.example", "b@x.example"), maybe("phone", "desktop"), maybe("de"))
            said = SessionFacts(
                maybe("d1", "d2"), maybe("192.0.2.0"), maybe("UA"), maybe("1x1", "2x2"), maybe("1", "2")
            )
            time_us = NOON_US + chance.randrange(20) * 1_000_000  # often the same instant
            kind = chance.choice(["click", "identify", "session_end"])
            place = Place(EVENTS, len(events))
            events.append(KeptEvent(place, NOON_US, time_us, time_us, session_id, kind, facts=said, user=user))
    return events


async def write(url: str, events: list[KeptEvent], flushes: int) -> None:
    sink = PostgresSink(as_writer(url), "facts", FoldPolicy())
    epoch = (await sink.claim([EVENTS]))[EVENTS].epoch
    size = -(-len(events) // flushes)
    for start in range(0, len(events), size):
        flush = Flush(events=events[start : start + size])
        flush.extend(EVENTS, Span(epoch, start, start + size, NOON_US))
        await sink.write(flush)
    await sink.close()


def rows(url: str, table: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY 1".encode()).fetchall()


@pytest.mark.parametrize("flushes", [1, 7, 100])
async def test_facts_of_a_thousand_sessions_in_any_order_give_the_same_rows(
    postgres: Postgres, template_database: str, flushes: int
) -> None:
    events = facts()
    in_order = new_database(postgres.address, fresh_name("order"), template_database)
    await write(in_order, sorted(events, key=lambda event: event.time_us), 1)
    shuffled = new_database(postgres.address, fresh_name("shuffled"), template_database)
    random.Random(flushes).shuffle(events)
    await write(shuffled, events, flushes)

    assert len(rows(in_order, "sessions")) == SESSIONS
    assert len(rows(in_order, "users")) > USERS * 0.9
    for table in ("users", "sessions"):
        assert rows(shuffled, table) == rows(in_order, table)
