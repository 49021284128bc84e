"""Bursts: which stored clicks are read around new ones, how much wider, and which are touched."""

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest

from pipeline.bursts import READ_AROUND_GAPS, Range, ranges, touched, unfinished
from pipeline.moments import moment
from pipeline.surroundings import Surroundings, new_clicks, read_surroundings
from schema.events import MOUSE_MOVE
from schema.rows import BurstRow, Click, JourneyRow, KeptEvent, View
from tests.builders import OTHER_SESSION, SESSION, at, kept, numbered

GAP_S = 1
GAP_US = GAP_S * 1_000_000
AROUND_S = READ_AROUND_GAPS * GAP_S


def click(seconds: float = 0, **fields: Any) -> Click:
    """Return a click this long after noon."""
    return new_clicks([kept(seconds, **fields)])[0]


def clicks(*seconds: float) -> list[Click]:
    return [click(one) for one in seconds]


def stored(*seconds: float) -> dict[int, Click]:
    """Return clicks as the tables give them."""
    return dict(enumerate(clicks(*seconds), 1))


def in_order(found: Iterable[Click]) -> list[Click]:
    return sorted(found, key=lambda one: (one.session_id, one.time_us))


class Stored:
    """A table of clicks, which writes down what it is asked for; no views and no steps."""

    def __init__(self, held: Iterable[Click]) -> None:
        self._held = dict(enumerate(held, 1))
        self.asked: list[Sequence[Range]] = []

    async def clicks(self, ranges: Sequence[Range]) -> dict[int, Click]:
        self.asked.append(ranges)
        return {
            number: click
            for number, click in self._held.items()
            for one in ranges
            if click.session_id == one.session_id and one.from_us <= click.time_us <= one.to_us
        }

    async def views(self, since: Mapping[UUID, int]) -> list[View]:
        return []

    async def steps_before(self, times: Mapping[UUID, int]) -> dict[UUID, JourneyRow]:
        return {}

    def widths_s(self) -> list[list[float]]:
        """Return how long the ranges asked for were, question by question."""
        return [[(one.to_us - one.from_us) / 1_000_000 for one in asked] for asked in self.asked]


async def surroundings(new: Sequence[KeptEvent], tables: Stored) -> Surroundings:
    return await read_surroundings(new, tables, GAP_US)


def test_a_new_click_is_read_around_on_both_sides() -> None:
    assert ranges([click(5)], GAP_US) == [Range(SESSION, at(5 - AROUND_S), at(5 + AROUND_S), at(5), at(5))]
    assert ranges([], GAP_US) == []


# Ranges of 8 s on both sides touch where clicks are 16 s apart.
@pytest.mark.parametrize(("apart", "number"), [(2 * AROUND_S - 1e-6, 1), (2 * AROUND_S, 1), (2 * AROUND_S + 1e-6, 2)])
def test_new_clicks_are_read_around_together_while_their_ranges_touch(apart: float, number: int) -> None:
    found = ranges(clicks(apart, 0), GAP_US)
    assert len(found) == number
    assert (found[0].from_us, found[-1].to_us) == (at(-AROUND_S), at(apart + AROUND_S))
    assert (found[0].first_new_us, found[-1].last_new_us) == (at(0), at(apart))


def test_ranges_of_sessions_are_apart_however_their_clicks_are_mixed() -> None:
    mixed = [click(n, session_id=[SESSION, OTHER_SESSION][n % 2]) for n in (5, 2, 0, 3)]
    found = ranges(mixed, GAP_US)
    assert [(one.session_id, one.first_new_us, one.last_new_us) for one in found] == [
        (SESSION, at(0), at(2)),
        (OTHER_SESSION, at(3), at(5)),
    ]


def test_a_range_is_read_on_three_times_as_long_around_the_same_new_clicks() -> None:
    wider = Range(SESSION, at(-8), at(10), at(0), at(2)).wider()
    assert wider == Range(SESSION, at(-26), at(28), at(0), at(2))


# Read: [-8 ...... new at 0 ...... 8]. A click at 7 may have a neighbour at 8, which was read;
# one a microsecond later may have a neighbour that was not.
EDGE = AROUND_S - GAP_S
CHAIN = [n + 0.5 for n in range(EDGE)]


@pytest.mark.parametrize(("last", "goes_on"), [(EDGE - 1e-6, False), (EDGE, False), (EDGE + 1e-6, True)])
@pytest.mark.parametrize("side", [-1, 1], ids=["before", "after"])
def test_a_range_is_read_on_where_a_burst_comes_within_a_gap_of_its_edge(side: int, last: float, goes_on: bool) -> None:
    asked = ranges([click(0)], GAP_US)
    found = unfinished(asked, clicks(0, *(side * one for one in [*CHAIN, last])), GAP_US)
    assert found == ([asked[0].wider()] if goes_on else [])


@pytest.mark.parametrize("side", [-1, 1], ids=["before", "after"])
def test_a_range_is_finished_where_the_clicks_at_its_edge_are_no_burst_with_the_new_one(side: int) -> None:
    broken = [one for one in CHAIN if one != 3.5]
    assert unfinished(ranges([click(0)], GAP_US), clicks(0, *(side * one for one in [*broken, 8])), GAP_US) == []


def test_a_range_does_not_go_on_because_of_another_session() -> None:
    asked = ranges([click(0), click(0, session_id=OTHER_SESSION)], GAP_US)
    of_other = [click(n / 2, session_id=OTHER_SESSION) for n in range(17)]
    assert unfinished(asked, [click(0), *of_other], GAP_US) == [asked[1].wider()]


# From 16 s to 48, 144, 432, 1 296 and 3 888: the first with more than 1 000 s on one side.
@pytest.mark.parametrize(("new", "rounds"), [(1000, 6), (-1, 6), (499.5, 5)], ids=["after it", "before it", "amid it"])
async def test_a_burst_of_a_thousand_clicks_is_read_whole_in_few_rounds(new: float, rounds: int) -> None:
    tables = Stored(clicks(*range(1000)))
    around = await surroundings([kept(new)], tables)
    assert len(around.clicks) == 1000
    assert tables.widths_s() == [[16 * 3.0**n] for n in range(rounds)]
    assert touched([click(new)], around.clicks, GAP_US)[0] == in_order([*clicks(*range(1000)), click(new)])


async def test_many_new_clicks_in_a_long_burst_do_not_read_it_many_times() -> None:
    held = clicks(*range(2000))
    tables = Stored(held)
    new = [kept(seconds + 0.5) for seconds in range(0, 2000, 40)]  # too far apart to be read around together
    around = await surroundings(new, tables)
    assert len(around.clicks) == 2000
    answers = [
        sum(one.from_us <= held_one.time_us <= one.to_us for held_one in held)
        for asked in tables.asked
        for one in asked
    ]
    assert len(tables.asked[0]) == 50
    assert sum(answers) < 5 * 2000


async def test_only_ranges_whose_burst_goes_on_are_read_wider() -> None:
    long, lonely = [kept(n) for n in range(20)], [kept(n, session_id=OTHER_SESSION) for n in (0, 100)]
    tables = Stored(new_clicks(long[1:] + lonely[:1]))
    around = await surroundings([long[0], lonely[1]], tables)
    assert in_order(around.clicks.values()) == in_order(new_clicks(long[1:]))
    assert tables.widths_s() == [[16, 16], [48]]


async def test_new_clicks_may_be_what_leads_a_burst_out_of_what_was_read() -> None:
    new = [kept(n * GAP_S) for n in range(12)]
    tables = Stored(clicks(-1, *range(12, 30)))
    around = await surroundings(new, tables)
    assert in_order(around.clicks.values()) == clicks(-1, *range(12, 30))
    assert tables.widths_s() == [[27], [81]]


async def test_nothing_is_asked_where_nothing_was_clicked() -> None:
    tables = Stored(clicks(0))
    assert await surroundings([kept(0, MOUSE_MOVE)], tables) == Surroundings([], [])
    assert tables.asked == []


@pytest.mark.parametrize("seed", range(20))
async def test_reading_around_finds_what_reading_everything_does(seed: int) -> None:
    chance = random.Random(seed)
    sessions = [SESSION, OTHER_SESSION]
    events = [
        kept(chance.randrange(300) / 2, session_id=chance.choice(sessions), event_uuid=numbered(n)) for n in range(150)
    ]
    new, old = events[:5], new_clicks(events[5:])
    around = await surroundings(new, Stored(old))
    assert touched(new_clicks(new), around.clicks, GAP_US) == touched(new_clicks(new), dict(enumerate(old)), GAP_US)


@pytest.mark.parametrize(("apart", "is_touched"), [(GAP_S - 1e-6, True), (GAP_S, True), (GAP_S + 1e-6, False)])
@pytest.mark.parametrize("side", [-1, 1], ids=["before", "after"])
def test_a_new_click_touches_those_at_most_a_gap_away(side: int, apart: float, is_touched: bool) -> None:
    near = clicks(side * apart)
    found, _ = touched([click(0)], dict(enumerate(near)), GAP_US)
    assert found == in_order([click(0), *(near if is_touched else [])])


def test_a_new_click_touches_its_whole_burst_and_no_other() -> None:
    # stored: 0 1 2 . . 5 6 . . . 10   new: 3
    found, bursts = touched([click(3)], stored(0, 1, 2, 5, 6, 10), GAP_US)
    assert found == clicks(0, 1, 2, 3)
    assert bursts == [BurstRow(SESSION, moment(at(0)), moment(at(3)))]


def test_a_new_click_between_two_bursts_makes_them_one() -> None:
    found, bursts = touched([click(2)], stored(0, 1, 3, 4), GAP_US)
    assert found == clicks(0, 1, 2, 3, 4)
    assert bursts == [BurstRow(SESSION, moment(at(0)), moment(at(4)))]


@pytest.mark.parametrize(("held", "number"), [(0, 0), (1, 0), (2, 1), (3, 1)])
def test_a_burst_held_rows_before_only_where_it_had_clicks_enough(held: int, number: int) -> None:
    new = clicks(0, 0.1, 0.2)
    found, bursts = touched(new, stored(*(0.3 + n for n in range(held))), GAP_US)
    assert (len(found), len(bursts)) == (3 + held, number)


def test_sessions_never_mix_in_a_burst_however_close_their_clicks_are() -> None:
    others = {n: click(n / 10, session_id=OTHER_SESSION) for n in range(5)}
    assert touched([click(0.25)], others, GAP_US) == ([click(0.25)], [])
    both, bursts = touched([click(0.25), click(0.5, session_id=OTHER_SESSION)], others, GAP_US)
    assert both == [click(0.25), *others.values(), click(0.5, session_id=OTHER_SESSION)]
    assert bursts == [BurstRow(OTHER_SESSION, moment(at(0)), moment(at(0.5)))]


def test_a_burst_goes_over_screens_and_elements() -> None:
    held = {1: click(0, screen_name="/a"), 2: click(1, screen_name=None, element_id="e")}
    found, _ = touched([click(2, screen_name="/b")], held, GAP_US)
    assert found == [*held.values(), click(2, screen_name="/b")]


def test_without_new_clicks_nothing_is_touched() -> None:
    assert touched([], stored(0, 1, 2), GAP_US) == ([], [])
