"""A server that goes away is one line, and one when it is back; however often it is tried, or comes and goes."""

import logging
from dataclasses import dataclass, field

import pytest

from agents.away import AT_MOST_EVERY_S, REMIND_EVERY_S, Away
from pipeline.sinks.contract import Unavailable

REFUSED = Unavailable('server at "db", port 5432 failed: Connection refused')
STARTING = Unavailable("the database system is starting up")


@dataclass
class World:
    """Time passes when told."""

    now_s: float = 1000.0
    away: Away = field(init=False)

    def __post_init__(self) -> None:
        self.away = Away(lambda: self.now_s)
        self.away.locate(database="db:5432/hxi", broker="kafka:9092")

    def fail_for(self, seconds: float, error: Unavailable = REFUSED, step_s: float = 1.0) -> None:
        """Fail at once and then every ``step_s`` until so many seconds have passed."""
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.away.note("writer", "database", "Writing", error)
            self.now_s += step_s


@pytest.fixture
def world(caplog: pytest.LogCaptureFixture) -> World:
    caplog.set_level(logging.INFO)
    return World()


def test_an_outage_is_a_line_when_it_begins_and_a_line_when_it_ends(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.fail_for(REMIND_EVERY_S)
    world.away.note("judge", "database", "Judging", REFUSED)
    world.away.forget("writer", "database")
    world.away.forget("judge")
    gone, reminder, back = caplog.records
    assert gone.levelname == reminder.levelname == "WARNING"
    assert gone.getMessage().startswith(
        "Writing failed, and is tried again until the database at db:5432/hxi answers: server at"
    )
    assert "start the server" in gone.getMessage()
    assert reminder.getMessage().startswith(
        "Judging still fails: the database at db:5432/hxi has not answered for 60 s"
    )
    assert back.levelname == "INFO"
    assert back.getMessage() == "The database at db:5432/hxi answers again, after 60.0 s and 61 failed tries"
    assert back.__dict__["server"] == "database"


def test_who_gives_up_leaves_the_outage_to_be_ended_by_whoever_is_answered_next(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.fail_for(1)
    world.away.give_up("writer")
    assert len(caplog.records) == 1
    assert world.away.reason() is None
    world.away.forget("another", "database")
    world.away.forget("another", "database")
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_servers_are_told_apart(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.away.note("writer", "database", "Writing", REFUSED)
    world.away.note("sender", "dead_letters", "Sending", Unavailable("no"))
    world.away.forget("sender", "dead_letters")
    assert [record.__dict__["server"] for record in caplog.records] == ["database", "broker", "broker"]


# outages of a second, one each 2 s: | x . | x . | x . | ...
def test_a_server_that_comes_and_goes_is_said_so_at_a_bounded_rate(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    began_s = world.now_s
    while world.now_s < began_s + 2 * AT_MOST_EVERY_S + 1:
        world.fail_for(1)
        world.away.forget("writer", "database")
        world.now_s += 1
    gone = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(caplog.records) == 2 * len(gone)
    assert ["(4 times more since this was last said)" in line for line in gone] == [False, True, True]


def test_another_error_is_said_sooner_than_the_same_again(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.fail_for(AT_MOST_EVERY_S)
    assert len(caplog.records) == 1
    world.fail_for(1)
    assert len(caplog.records) == 1
    world.fail_for(1, STARTING)
    assert len(caplog.records) == 2
    assert "starting up" in caplog.records[1].getMessage()


def test_errors_that_take_turns_are_bounded_too(world: World, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(int(REMIND_EVERY_S)):
        world.fail_for(0.5, REFUSED)
        world.fail_for(0.5, STARTING)
    assert len(caplog.records) <= REMIND_EVERY_S * 2 / AT_MOST_EVERY_S
