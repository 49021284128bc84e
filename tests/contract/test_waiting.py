"""Every sink knows how many sessions wait to be judged and for how long, and judges first those that have longest."""

from datetime import timedelta
from typing import cast
from uuid import UUID

import psycopg
import pytest

from agents import metrics
from agents.judging import FEW_EVENTS, REST, REST_IDLE, Judging
from pipeline.sinks.memory import MemorySink
from tests.builders import Owner, kept, numbered
from tests.contract.conftest import InPostgres, Store

HOUR_S = 3600
MANY = 10
ONE, TWO, THREE = (numbered(n) for n in (1, 2, 3))


def let_wait(store: Store, session_id: UUID, seconds: float = HOUR_S) -> None:
    """Let a session have waited for so much longer."""
    if isinstance(store.sink, MemorySink):
        store.sink.marked_at[session_id] -= timedelta(seconds=seconds)
        return
    statement = "UPDATE hxi_state.unjudged SET marked_at = marked_at - make_interval(secs => %s) WHERE session_id = %s"
    with psycopg.connect(cast(InPostgres, store).url) as connection:
        assert connection.execute(statement, (seconds, session_id)).rowcount == 1


async def write(store: Store, *session_ids: UUID, owner: Owner | None = None) -> Owner:
    owner = owner or await Owner.of(store.sink)
    await owner.write(*(kept(n, session_id=session_id) for n, session_id in enumerate(session_ids)))
    return owner


@pytest.mark.parametrize(("most", "counted"), [(1, 1), (2, 2), (3, 3), (4, 3)])
async def test_what_waits_is_counted_up_to_a_bound(store: Store, most: int, counted: int) -> None:
    assert await store.sink.waiting(most) == (0, 0)
    await write(store, ONE, TWO, THREE)
    assert (await store.sink.waiting(most)).sessions == counted
    await store.sink.judge(MANY)
    assert await store.sink.waiting(most) == (0, 0)


async def test_it_waits_for_as_long_as_the_first_of_them_has(store: Store) -> None:
    await write(store, ONE, TWO)
    assert 0 <= (await store.sink.waiting(MANY)).oldest_s < HOUR_S
    let_wait(store, TWO)
    assert HOUR_S <= (await store.sink.waiting(MANY)).oldest_s < 2 * HOUR_S


async def test_what_changes_while_it_waits_does_not_begin_anew(store: Store) -> None:
    owner = await write(store, ONE)
    let_wait(store, ONE)
    await write(store, ONE, owner=owner)
    assert (await store.sink.waiting(MANY)).oldest_s >= HOUR_S


async def test_those_that_have_waited_longest_are_judged_first(store: Store) -> None:
    await write(store, ONE, TWO, THREE)
    let_wait(store, THREE, 2 * HOUR_S)
    let_wait(store, TWO)
    assert await store.sink.judge(1) == 1
    assert store.marks().keys() == {ONE, TWO}
    assert await store.sink.judge(1) == 1
    assert store.marks().keys() == {ONE}


@pytest.mark.parametrize(("events", "times"), [(FEW_EVENTS - 1, REST_IDLE), (FEW_EVENTS, REST)])
async def test_judging_rests_longer_where_events_wait(store: Store, events: int, times: int) -> None:
    clock = iter([100.0, 100.5])
    rests: list[float] = []

    async def sleep(seconds: float) -> None:
        rests.append(seconds)

    judging = Judging(store.sink, lambda: events, lambda: next(clock), sleep)
    await write(store, ONE)
    await judging.judge()
    assert rests == [times * 0.5]


async def test_a_look_shows_what_waits(store: Store) -> None:
    judging = Judging(store.sink, int)
    await write(store, ONE, TWO)
    let_wait(store, ONE)
    await judging.look()
    assert metrics.UNJUDGED._value.get() == 2
    assert metrics.UNJUDGED_SECONDS._value.get() >= HOUR_S
    await judging.judge()
    await judging.look()
    assert (metrics.UNJUDGED._value.get(), metrics.UNJUDGED_SECONDS._value.get()) == (0, 0)
