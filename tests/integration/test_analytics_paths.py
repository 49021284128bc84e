"""Funnels, paths, transitions and turning back are what journeys typed by hand, and random ones, say."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple

import pytest

from pipeline.moments import moment
from tests.builders import at
from tests.handmade import Rows, session_id

HOUR_S = 3600
SHORT_S = 60


class Step(NamedTuple):
    """A screen, and when it came, in seconds after noon."""

    screen: str
    seconds: int


Journey = Sequence[Step]

JOURNEYS = 150
ANY_SCREENS = ("A", "B", "C", "D")


def random_journeys() -> dict[str, list[Step]]:
    """Return journeys around the hour after noon, no screen twice in a row, some steps at one instant."""
    chance = random.Random(5)
    journeys = {}
    for number in range(JOURNEYS):
        seconds, screen = chance.randint(-300, HOUR_S + 60), ""
        steps = []
        for _ in range(chance.randint(1, 9)):
            screen = chance.choice([one for one in ANY_SCREENS if one != screen])
            steps.append(Step(screen, seconds))
            seconds += chance.choice([0, 1, 10, 40, 200])
        journeys[f"number {number}"] = steps
    return journeys


RANDOM = random_journeys()
BEGUN = {name: steps for name, steps in RANDOM.items() if 0 <= steps[0].seconds < HOUR_S}


@pytest.fixture
def rows(database_url: str) -> Iterator[Rows]:
    with Rows.of(database_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def random_rows(own_database: str) -> Iterator[Rows]:
    with Rows.of(own_database) as opened:
        for name, steps in RANDOM.items():
            opened.journey(name, ", ".join(f"{step.screen} {step.seconds}" for step in steps))
        yield opened


def told(
    rows: Rows, screens: Sequence[str], within: str = "30 min", *, with_bots: bool = False
) -> list[tuple[Any, ...]]:
    """Return sessions and median of each step of a funnel."""
    columns = "step, screen_name, sessions, median_ms"
    found = rows.ask_of("funnel", list(screens), within, with_bots, columns=columns)
    assert [row[:2] for row in found] == list(enumerate(screens, 1))
    return [row[2:] for row in found]


FUNNELS: dict[str, tuple[dict[str, str], list[str], list[int]]] = {
    "all the way": ({"ann": "A 0, B 10, C 20"}, ["A", "B", "C"], [1, 1, 1]),
    "with others in between": ({"ann": "A 0, X 5, B 10, Y 15, C 20"}, ["A", "B", "C"], [1, 1, 1]),
    "in another order": ({"ann": "B 0, A 10, C 20"}, ["A", "B", "C"], [1, 0, 0]),
    "a step left out": ({"ann": "A 0, C 20"}, ["A", "B", "C"], [1, 0, 0]),
    "never the first": ({"ann": "B 0, C 20"}, ["A", "B", "C"], [0, 0, 0]),
    "there and back": ({"ann": "A 0, B 1, A 2"}, ["A", "B", "A"], [1, 1, 1]),
    "once is not twice": ({"ann": "A 0, B 1"}, ["A", "B", "A"], [1, 1, 0]),
    "one screen": ({"ann": "A 0, B 1", "bob": "B 0"}, ["A"], [1]),
    "just in time": ({"ann": "A 0, B 60"}, ["A", "B"], [1, 1]),
    "just too late": ({"ann": "A 0, B 60.000001"}, ["A", "B"], [1, 0]),
    "late for the first try, not for the second": ({"ann": "A 0, A 50, B 70"}, ["A", "B"], [1, 1]),
    "late in all, though each step was quick": ({"ann": "A 0, B 40, C 80"}, ["A", "B", "C"], [1, 1, 0]),
    "at one instant": ({"ann": "A 0, B 0"}, ["A", "B"], [1, 1]),
    "the first before noon": ({"ann": "A -0.000001, B 10"}, ["A", "B"], [0, 0]),
    "again after noon": ({"ann": "A -30, B -20, A 0, B 10"}, ["A", "B"], [1, 1]),
    "the first at the end": ({"ann": "A 3600, B 3601"}, ["A", "B"], [0, 0]),
    "the next after the end": ({"ann": "A 3599.999999, B 3659"}, ["A", "B"], [1, 1]),
    "several people": ({"ann": "A 0, B 1, C 2", "bob": "A 0, B 1", "cat": "A 5"}, ["A", "B", "C"], [3, 2, 1]),
    "two people make no journey": ({"ann": "A 0", "bob": "B 1"}, ["A", "B"], [1, 0]),
    "a bot": ({"bot": "A 0, B 1", "ann": "A 0"}, ["A", "B"], [1, 0]),
}
"""Journeys, the screens of a funnel within a minute, and how many sessions reach each."""


@pytest.mark.parametrize("case", FUNNELS)
def test_a_funnel_counts_who_came_so_far(rows: Rows, case: str) -> None:
    journeys, screens, sessions = FUNNELS[case]
    for name, steps in journeys.items():
        rows.journey(name, steps)
    assert [found for found, _ in told(rows, screens, "1 min")] == sessions


def test_a_funnel_says_shares_and_the_time_from_the_step_before(rows: Rows) -> None:
    for name, steps in {"ann": "A 0, B 10, C 40", "bob": "A 0, B 20", "cat": "A 0, B 60", "dan": "A 0"}.items():
        rows.journey(name, steps)
    assert rows.ask_of("funnel", ["A", "B", "C", "D"]) == [
        (1, "A", 4, 1, None, None),
        (2, "B", 3, 0.75, 0.75, 20_000),
        (3, "C", 1, 0.25, pytest.approx(1 / 3), 30_000),
        (4, "D", 0, 0, 0, None),
    ]
    assert rows.ask_of("funnel", ["X", "Y"]) == [(1, "X", 0, None, None, None), (2, "Y", 0, None, None, None)]
    assert rows.ask_of("funnel", []) == []


def test_bots_go_through_funnels_where_that_is_asked_for(rows: Rows) -> None:
    rows.journey("bot", "A 0, B 1")
    assert [found for found, _ in told(rows, ["A", "B"], with_bots=True)] == [1, 1]


def furthest(journey: Journey, screens: Sequence[str], within_s: int) -> int:
    """Return how many of the screens a journey reaches, trying each of its steps as the first, the plainest way."""
    best = 0
    for first, begin in enumerate(journey):
        if begin.screen == screens[0] and 0 <= begin.seconds < HOUR_S:
            reached = 1
            for step in journey[first + 1 :]:
                if reached < len(screens) and step.screen == screens[reached]:
                    reached += step.seconds <= begin.seconds + within_s
            best = max(best, reached)
    return best


@pytest.mark.parametrize("screens", ["AB", "ABC", "ABA", "ABCD", "DCBA", "ABABAB"])
@pytest.mark.parametrize("within_s", [0, 10, SHORT_S, HOUR_S])
def test_funnels_of_any_journeys_are_those_of_the_reference(random_rows: Rows, screens: str, within_s: int) -> None:
    depths = [furthest(steps, screens, within_s) for steps in RANDOM.values()]
    expected = [sum(depth >= step for depth in depths) for step in range(1, len(screens) + 1)]
    assert [sessions for sessions, _ in told(random_rows, list(screens), f"{within_s} s")] == expected


@pytest.mark.parametrize("steps", [1, 3, 20])
def test_paths_are_the_first_screens_of_journeys_that_began_then(random_rows: Rows, steps: int) -> None:
    expected = Counter(tuple(step.screen for step in journey[:steps]) for journey in BEGUN.values())
    found = random_rows.ask_of("top_paths", steps)
    assert {tuple(path): sessions for path, sessions, _ in found} == expected
    assert [sessions for _, sessions, _ in found] == sorted(expected.values(), reverse=True)
    assert sum(share for *_, share in found) == pytest.approx(1)
    assert found[0][2] == pytest.approx(found[0][1] / len(BEGUN))


def test_transitions_are_neighbours_and_ends(random_rows: Rows) -> None:
    times: Counter[tuple[str, str | None]] = Counter()
    sessions: Counter[tuple[str, str | None]] = Counter()
    for journey in BEGUN.values():
        moves = list(pairwise([*(step.screen for step in journey), None]))
        times.update(moves)  # type: ignore[arg-type]
        sessions.update(set(moves))  # type: ignore[arg-type]
    found = random_rows.ask_of("transitions")
    assert {(one, other): many for _, one, other, _, many in found} == times
    assert {(one, other): many for _, one, other, many, _ in found} == sessions
    assert {step for step, *_ in found} == {None}


def test_transitions_by_step_tell_the_first_ones_apart(random_rows: Rows) -> None:
    expected: Counter[tuple[int, str, str | None]] = Counter()
    for journey in BEGUN.values():
        screens = [*(step.screen for step in journey), None]
        expected.update((n, one, other) for n, (one, other) in enumerate(pairwise(screens), 1) if n <= 2 and one)
    found = random_rows.ask_of("transitions", 2)
    assert {row[:3]: row[3] for row in found} == {row[:3]: row[4] for row in found} == expected


def test_turning_back_is_a_b_a(random_rows: Rows) -> None:
    visits: Counter[tuple[str, str]] = Counter()
    stays: dict[tuple[str, str], list[int]] = {}
    turned: dict[tuple[str, str], set[str]] = {}
    for name, journey in BEGUN.items():
        for place in range(1, len(journey)):
            before, here = journey[place - 1], journey[place]
            move = here.screen, before.screen
            visits[move] += 1
            if place + 1 < len(journey) and journey[place + 1].screen == before.screen:
                stays.setdefault(move, []).append(journey[place + 1].seconds - here.seconds)
                turned.setdefault(move, set()).add(name)
    assert {row[:2]: row[2:] for row in random_rows.ask_of("going_back")} == {
        move: (
            len(stays[move]),
            len(turned[move]),
            visits[move],
            pytest.approx(len(stays[move]) / visits[move]),
            pytest.approx(1000 * median(stays[move])),
        )
        for move in stays
    }


# seconds   -10  0        3599  3600  5000
# ann             A  B     C     D         all of it: it began in the hour
# bob        A    B  C                     nothing: it began before
# cat                            A  B      nothing: it begins after
def test_a_journey_is_whole_in_the_period_in_which_it_began(rows: Rows) -> None:
    rows.journey("ann", "A 0, B 10, C 3599, D 5000")
    rows.journey("bob", "A -10, B 0, C 10")
    rows.journey("cat", "A 3600, B 3601")
    rows.journey("bot", "A 0, B 1")
    assert rows.ask_of(
        "journeys", columns="session_id, step, previous_screen, screen_name, next_screen, event_time"
    ) == [
        (session_id("ann"), 1, None, "A", "B", moment(at(0))),
        (session_id("ann"), 2, "A", "B", "C", moment(at(10))),
        (session_id("ann"), 3, "B", "C", "D", moment(at(3599))),
        (session_id("ann"), 4, "C", "D", None, moment(at(5000))),
    ]
    assert len(rows.ask_of("journeys", True)) == 6


def test_steps_that_others_inserted_without_numbers_make_journeys(rows: Rows) -> None:
    for screen, seconds in (("B", 1), ("A", 0), (None, 2), ("C", 3)):
        rows.add("journey_steps", "ann", screen_name=screen, event_time=moment(at(seconds)))
    assert rows.ask_of("top_paths") == [(["A", "B", "C"], 1, 1)]


def test_a_journey_that_retention_has_been_to_is_none(rows: Rows) -> None:
    for session in ("ann", "bob"):
        rows.journey(session, "A 0, B 10")
    rows.say_removed("ann", "events")
    assert [found for found, _ in told(rows, ["A", "B"])] == [2, 2]
    rows.say_removed("bob", "journey_steps")
    assert [found for found, _ in told(rows, ["A", "B"])] == [1, 1]
    assert rows.ask_of("top_paths") == [(["A", "B"], 1, 1)]
