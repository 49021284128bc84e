"""A join that is refused, or takes too long, is said and counted; one that gets on is not."""

import asyncio
from dataclasses import dataclass, field

import pytest
from aiokafka.errors import GroupAuthorizationFailedError

from agents import metrics
from agents.joining import SETTLED_S, SLOW_S, JoinWatch
from agents.retrying import away

REFUSED = GroupAuthorizationFailedError("hxi")


@dataclass
class World:
    """A group that lets nobody in until told; time passes when told."""

    now_s: float = 1000.0
    is_joining: bool = True
    error: Exception | None = None
    watch: JoinWatch = field(init=False)

    def __post_init__(self) -> None:
        self.watch = JoinWatch("hxi", lambda: self, lambda: self.is_joining, lambda: self.now_s)

    async def refusal(self) -> Exception | None:
        return self.error

    def look(self, after_s: float = 0.0) -> tuple[str | None, float]:
        """Return the reason not to be ready, and how often it was tried in this look."""
        self.now_s += after_s
        before = retries()
        asyncio.run(self.watch.look())
        return away.reason(), retries() - before


def retries() -> float:
    return float(metrics.RETRIES.labels("broker")._value.get())


@pytest.fixture
def world() -> World:
    return World()


def test_a_refusal_is_said_at_once_and_until_the_join_is_through(world: World) -> None:
    world.error = REFUSED
    assert world.look() == ("the broker forbids it; what waits for it: Joining the group hxi", 1)
    world.error = None
    assert world.look(SETTLED_S)[0] is not None, "it has not joined"
    world.is_joining = False
    assert world.look() == (None, 0)


def test_a_join_that_nobody_answers_is_said_when_it_takes_longer_than_joins_do(world: World) -> None:
    assert world.look() == (None, 0)
    assert world.look(SLOW_S - 0.1) == (None, 0)
    assert world.look(0.1) == ("the broker does not answer; what waits for it: Joining the group hxi", 1)
    world.is_joining = False
    assert world.look() == (None, 0)


def test_a_second_join_has_its_own_time(world: World) -> None:
    world.look()
    world.is_joining = False
    world.look(SLOW_S)
    world.is_joining = True
    assert world.look() == (None, 0)


def test_a_member_that_is_refused_while_it_works_is_said_to_be_until_nothing_is_heard_of_it(world: World) -> None:
    world.is_joining = False
    world.error = REFUSED
    assert world.look()[1] == 1
    world.error = None
    assert world.look(SETTLED_S - 0.1)[0] is not None
    assert world.look(0.1) == (None, 0)
