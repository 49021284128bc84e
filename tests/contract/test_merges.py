"""What every sink makes of facts, of a session's bounds and of its end, in whatever order flushes come."""

import time
from collections.abc import Sequence
from itertools import chain, permutations
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from pipeline.moments import microseconds, moment
from pipeline.sinks.contract import Claim
from pipeline.sinks.postgres import PostgresSink
from schema.events import IDENTIFY, SESSION_END
from schema.rows import KeptChunk, KeptEvent
from tests.builders import (
    DAY_S,
    EVENTS,
    NOON_US,
    OTHER_SESSION,
    REPLAY,
    SESSION,
    TOPICS,
    USER,
    Owner,
    at,
    facts,
    kept,
    kept_chunk,
    numbered,
    user,
)
from tests.contract.conftest import NOW, Store

CENTURY_S = 100 * 365 * DAY_S
FAR_US = NOON_US + 5000 * 365 * DAY_S * 1_000_000
Items = Sequence[KeptEvent | KeptChunk]


async def one_session(store: Store, *flushes: Items) -> dict[str, Any]:
    """Write ``flushes`` and return the only session they make."""
    owner = await Owner.of(store.sink)
    for items in flushes:
        await owner.write(*items)
    (row,) = store.table("sessions")
    return row


def of_session(items: Items, session_id: UUID, user_id: UUID) -> list[KeptEvent | KeptChunk]:
    """Return ``items`` as another session of another person."""
    moved = [replace(item, session_id=session_id) for item in items]
    return [
        replace(item, user=item.user._replace(user_id=user_id)) if isinstance(item, KeptEvent) and item.user else item
        for item in moved
    ]


STORIES: dict[str, list[Items]] = {
    "facts of different times": [
        [kept(1, facts=facts(device_id="first", app_version="1"), user=user(email="a@b.c", locale="de"))],
        [kept(2, facts=facts(device_id="second"), user=user(email="d@e.f"))],
        [kept(3, IDENTIFY, facts=facts(user_agent="agent"), user=user(device_type="phone"))],
        [kept(0, facts=facts(device_id="zeroth", ip_address="10.0.0.0", screen_resolution="1x1"))],
    ],
    "facts of one time": [
        [kept(1, facts=facts(device_id="b", app_version="é"), user=user(email="b", locale="Z"))],
        [kept(1, facts=facts(device_id="a", app_version="z"), user=user(email="c", locale="a"))],
        [kept(1, facts=facts(device_id="B", app_version="\U0001f600"), user=user(email="a", locale="\uffff"))],
    ],
    "an end among events": [[kept(5)], [kept(9, SESSION_END)], [kept(2, user=user())], [kept(12)]],
    "an end twice": [[kept(5, SESSION_END)], [kept(7, SESSION_END)], [kept(6.0005)]],
    "chunks around events": [[kept_chunk(0, 1)], [kept(3)], [kept_chunk(1, 9)], [kept(4, SESSION_END)]],
    "chunks alone": [[kept_chunk(1, 8)], [kept_chunk(0, 2)], [kept_chunk(2, 5)]],
    "events and chunks of one flush": [
        [kept(3), kept_chunk(0, 1)],
        [kept_chunk(1, 0), kept(2, SESSION_END)],
        [kept(7)],
    ],
}


@pytest.mark.parametrize("story", STORIES)
async def test_tables_are_the_same_in_whatever_order_flushes_come(store: Store, story: str) -> None:
    owner = await Owner.of(store.sink)
    orders = list(permutations(STORIES[story]))
    for number, order in enumerate(orders):
        for items in (*order, order[0]):
            await owner.write(*of_session(items, numbered(number), numbered(1000 + number)))
    counts = {
        "event_count",
        "action_count",
        "chunk_count",
        "chunk_bytes",
    }  # of all that was written: what comes twice is told before
    for table, ids in (("sessions", {"session_id", "user_id"} | counts), ("users", {"user_id"})):
        rows = [{name: value for name, value in row.items() if name not in ids} for row in store.table(table)]
        assert rows == [rows[0]] * len(orders) if rows else table == "users"


async def test_the_fact_of_the_latest_event_time_stands_in_each_column(store: Store) -> None:
    session = await one_session(store, *STORIES["facts of different times"])
    said = {"device_id": "second", "app_version": "1", "user_agent": "agent", "ip_address": "10.0.0.0"}
    assert session.items() >= (said | {"screen_resolution": "1x1", "user_id": USER}).items()
    assert session["device_id_at"] == moment(at(2))
    (person,) = store.table("users")
    assert person.items() >= {"email": "d@e.f", "locale": "de", "device_type": "phone"}.items()
    assert (person["created_at"], person["email_at"]) == (moment(at(1)), moment(at(2)))


async def test_at_equal_event_times_the_greater_text_stands_by_code_point(store: Store) -> None:
    session = await one_session(store, *STORIES["facts of one time"])
    assert (session["device_id"], session["app_version"]) == ("b", "\U0001f600")
    (person,) = store.table("users")
    assert (person["email"], person["locale"]) == ("c", "\uffff")


async def test_a_session_belongs_to_the_person_whom_its_latest_event_names(store: Store) -> None:
    people = [numbered(n) for n in range(3)]
    flushes = [[kept(n % 2, user=user(person))] for n, person in enumerate(people)]
    assert (await one_session(store, *flushes))["user_id"] == people[1]
    assert len(store.table("users")) == 3


SHARED: dict[str, list[list[KeptEvent | KeptChunk]]] = {
    "one after another": [[kept(1, user=user(numbered(1)))], [kept(2, user=user(numbered(2)))], [kept(3)]],
    "at once": [[kept(1, user=user(numbered(1))), kept(2), kept(3, user=user(numbered(2)))], [kept_chunk(0)]],
    "at once beside one more": [
        [kept(3, user=user(numbered(3)))],
        [kept(n, user=user(numbered(n))) for n in (1, 2)],
        [kept(n, user=user(numbered(n))) for n in (2, 4)],
    ],
}


@pytest.mark.parametrize("story", SHARED)
async def test_all_who_are_named_in_a_session_are_known_in_whatever_order_flushes_come(
    store: Store, story: str
) -> None:
    owner = await Owner.of(store.sink)
    orders = list(permutations(SHARED[story]))
    people = {event.user.user_id for event in chain(*SHARED[story]) if isinstance(event, KeptEvent) and event.user}
    for number, order in enumerate(orders):
        for items in (*order, order[0]):
            await owner.write(*(replace(item, session_id=numbered(100 + number)) for item in items))
    found = [(row["session_id"], row["user_id"]) for row in store.table("hxi_state.session_users")]
    assert len(found) == len(set(found)) == len(orders) * len(people)
    assert set(found) == {(numbered(100 + n), person) for n in range(len(orders)) for person in people}


async def test_of_a_session_with_one_person_no_more_is_kept_than_that(store: Store) -> None:
    await one_session(store, [kept(1, user=user()), kept(2, user=user())], [kept(3)], [kept(4, user=user())])
    assert store.table("hxi_state.session_users") == []


async def test_a_session_runs_from_its_earliest_event_and_is_open_until_it_ends(store: Store) -> None:
    session = await one_session(store, [kept(5), kept(3), kept(8)], [kept(1)])
    assert session["start_time"] == moment(at(1))
    assert (session["end_time"], session["duration_ms"]) == (None, None)


@pytest.mark.parametrize(
    ("last", "duration_ms"), [(2.0004, 1000), (2.000499, 1000), (2.0005, 1001), (2.0015, 1002), (1, 0)]
)
async def test_a_duration_is_rounded_to_the_nearest_millisecond(store: Store, last: float, duration_ms: int) -> None:
    session = await one_session(store, [kept(1), kept(last, SESSION_END)])
    assert (session["end_time"], session["duration_ms"]) == (moment(at(last)), duration_ms)
    other = await one_session_more(store, [kept(last, SESSION_END)], [kept(1)])
    assert (other["end_time"], other["duration_ms"]) == (moment(at(last)), duration_ms)


async def one_session_more(store: Store, *flushes: Items) -> dict[str, Any]:
    """Write ``flushes`` as :data:`OTHER_SESSION` and return it."""
    owner = await Owner.of(store.sink)
    for items in flushes:
        await owner.write(*of_session(items, OTHER_SESSION, USER))
    return next(row for row in store.table("sessions") if row["session_id"] == OTHER_SESSION)


async def test_an_event_after_the_session_end_moves_the_end(store: Store) -> None:
    session = await one_session(store, [kept(1), kept(4, SESSION_END)], [kept(9)])
    assert (session["end_time"], session["duration_ms"]) == (moment(at(9)), 8000)


async def test_chunks_bound_a_session_only_until_its_first_event(store: Store) -> None:
    only_chunks = await one_session(store, [kept_chunk(0, 2)], [kept_chunk(1, 1), kept_chunk(2, 9)])
    assert (only_chunks["start_time"], only_chunks["last_event_time"]) == (moment(at(1)), None)
    with_event = await one_session_more(store, [kept_chunk(0, 1)], [kept(5)], [kept_chunk(1, 0)])
    assert with_event["start_time"] == moment(at(5))


# The newest record of the session arrives at 0; reading has come to `caught_up`:
#   0 ......... 59.999999 | 60 | 60.000001
@pytest.mark.parametrize(("caught_up", "ends"), [(59.999999, 0), (60, 1), (60.000001, 1)])
async def test_a_session_ends_when_no_record_of_it_came_for_the_timeout(
    store: Store, caught_up: float, ends: int
) -> None:
    owner = await Owner.of(store.sink)
    await owner.write(kept(-30), kept(-20, arrival_us=at(0)))
    await owner.write(arrival_us=at(caught_up))
    assert [await store.sink.end_quiet_sessions(60, TOPICS) for _ in range(2)] == [ends, 0]
    (session,) = store.table("sessions")
    assert (session["end_time"], session["duration_ms"]) == ((moment(at(-20)), 10_000) if ends else (None, None))


async def test_a_quiet_session_of_chunks_alone_ends_with_its_last_chunk(store: Store) -> None:
    owner = await Owner.of(store.sink, REPLAY)
    await owner.write(kept_chunk(0, 1), kept_chunk(1, 4))
    await owner.write(arrival_us=at(1000))
    assert await store.sink.end_quiet_sessions(60, TOPICS) == 1
    assert (store.table("sessions")[0]["end_time"], store.table("sessions")[0]["duration_ms"]) == (moment(at(4)), 3000)


@pytest.mark.parametrize(
    "late", [kept(90), kept(-5, arrival_us=at(90)), kept_chunk(0, 90)], ids=["new", "old", "chunk"]
)
async def test_a_later_record_takes_a_quiet_end_back(store: Store, late: KeptEvent | KeptChunk) -> None:
    owner = await Owner.of(store.sink)
    await owner.write(kept(0), kept(3))
    await owner.write(arrival_us=at(80))
    assert await store.sink.end_quiet_sessions(60, TOPICS) == 1
    await owner.write(late, arrival_us=at(90))
    (session,) = store.table("sessions")
    assert (session["end_time"], session["duration_ms"]) == (None, None)
    await owner.write(arrival_us=at(150))
    assert await store.sink.end_quiet_sessions(60, TOPICS) == 1


async def test_no_session_ends_before_every_partition_has_been_read_that_far(store: Store) -> None:
    owner = await Owner.of(store.sink)
    await owner.write(kept(0))
    await owner.write(arrival_us=at(1000))
    behind = await Owner.of(store.sink, REPLAY)
    assert await store.sink.end_quiet_sessions(60, TOPICS) == 0
    await behind.write(arrival_us=at(59))
    assert await store.sink.end_quiet_sessions(60, TOPICS) == 0
    await behind.write(arrival_us=at(60))
    assert await store.sink.end_quiet_sessions(60, TOPICS) == 1


async def test_how_far_reading_has_come_never_goes_back(store: Store) -> None:
    owner = await Owner.of(store.sink)
    await owner.write(kept(0), arrival_us=at(60))
    await owner.write(arrival_us=at(5))
    assert await store.sink.end_quiet_sessions(60, TOPICS) == 1


def now_us(store: Store) -> int:
    """Return what the store's clock says."""
    return time.time_ns() // 1000 if isinstance(store.sink, PostgresSink) else microseconds(NOW)


async def test_an_arrival_somewhat_beyond_now_is_now(store: Store) -> None:
    owner = await Owner.of(store.sink)
    await owner.write(kept(0), arrival_us=now_us(store) + 1800 * 1_000_000)
    assert await store.sink.end_quiet_sessions(CENTURY_S, TOPICS) == 0
    assert await store.sink.end_quiet_sessions(60, TOPICS) == 1


async def test_an_arrival_far_beyond_now_says_nothing_of_what_has_been_read(store: Store) -> None:
    owner = await Owner.of(store.sink)
    await owner.write(kept(0), arrival_us=FAR_US)
    assert await store.sink.end_quiet_sessions(60, TOPICS) == 0
    await owner.write(arrival_us=at(60))
    await owner.write(arrival_us=FAR_US)
    assert await store.sink.end_quiet_sessions(61, TOPICS) == 0
    assert await store.sink.end_quiet_sessions(60, TOPICS) == 1


@pytest.mark.parametrize("far", [kept(0, arrival_us=FAR_US), kept_chunk(0, arrival_us=FAR_US)], ids=["event", "chunk"])
async def test_a_record_dated_far_beyond_now_keeps_no_session_open_for_longer_than_an_hour(
    store: Store, far: KeptEvent | KeptChunk
) -> None:
    owner = await Owner.of(store.sink)
    await owner.write(kept(-5), far)
    await store.sink.mark_caught_up({EVENTS: owner.claim})
    (session,) = store.table("sessions")
    ahead_us = microseconds(session["last_record_at"]) - now_us(store)
    assert ahead_us == pytest.approx(3600 * 1_000_000, abs=60 * 1_000_000)
    assert await store.sink.end_quiet_sessions(60, TOPICS) == 0


async def test_a_partition_read_to_its_end_is_caught_up_now(store: Store) -> None:
    owner = await Owner.of(store.sink)
    await owner.write(kept(0), arrival_us=at(0))
    assert await store.sink.end_quiet_sessions(60, TOPICS) == 0
    await store.sink.mark_caught_up({EVENTS: owner.claim})
    assert await store.sink.end_quiet_sessions(CENTURY_S, TOPICS) == 0
    assert await store.sink.end_quiet_sessions(60, TOPICS) == 1


@pytest.mark.parametrize("claim", [Claim(0, 1), Claim(2, 1), Claim(1, 0), Claim(1, 2)], ids=str)
async def test_only_the_owner_that_has_read_to_the_end_marks_it(store: Store, claim: Claim) -> None:
    await (await Owner.of(store.sink)).write(kept(0), arrival_us=at(0))
    await store.sink.mark_caught_up({EVENTS: claim})
    assert await store.sink.end_quiet_sessions(60, TOPICS) == 0
    assert store.table("sessions")[0]["session_id"] == SESSION
