"""Journeys: a step per change of screen, numbered anew from where a late view comes between."""

from collections.abc import Iterable, Sequence
from itertools import permutations
from uuid import UUID

import pytest

from pipeline.journeys import earliest, journey_rows
from pipeline.moments import moment
from pipeline.surroundings import new_views
from schema.events import CLICK, PAGE_VIEW, SCREEN_VIEW
from schema.rows import JourneyRow, View
from tests.builders import OTHER_SESSION, SESSION, at, kept, numbered

Told = tuple[int, str, float]
"""A step's number, screen and seconds after noon."""


def view(seconds: float, screen: str, number: int | None = None, session_id: UUID = SESSION) -> View:
    return View(session_id, at(seconds), None if number is None else numbered(number), screen)


def views(timeline: str) -> list[View]:
    """Return a view a second: ``"A.B"`` are A at 0 and B at 2."""
    return [view(second, screen) for second, screen in enumerate(timeline) if screen != "."]


def step(number: int, screen: str, seconds: float, session_id: UUID = SESSION) -> JourneyRow:
    return JourneyRow(session_id, number, screen, moment(at(seconds)))


def told(rows: Iterable[JourneyRow]) -> list[Told]:
    return [(row.step_number, row.screen_name, (row.event_time - moment(at(0))).total_seconds()) for row in rows]


@pytest.mark.parametrize(
    ("timeline", "expected"),
    [
        ("", []),
        ("A", [(1, "A", 0)]),
        ("AAA", [(1, "A", 0)]),
        ("AB", [(1, "A", 0), (2, "B", 1)]),
        ("ABA", [(1, "A", 0), (2, "B", 1), (3, "A", 2)]),
        ("AABBBA", [(1, "A", 0), (2, "B", 2), (3, "A", 5)]),
    ],
)
def test_a_step_is_a_change_of_screen(timeline: str, expected: list[Told]) -> None:
    assert told(journey_rows(views(timeline), [], {})) == expected


# `before` is the last step that began before the new view, `stored` are the views from it on.
@pytest.mark.parametrize(
    ("before", "new", "stored", "expected"),
    [
        # at the end
        ((1, "A", -1), "B", "", [(2, "B", 0)]),
        ((1, "A", -1), "A", "", []),
        ((7, "A", -1), "AB", "", [(8, "B", 1)]),
        # between: A | C . B    A | B . B    A | A . B
        ((1, "A", -1), "C", "..B", [(2, "C", 0), (3, "B", 2)]),
        ((1, "A", -1), "B", "..B", [(2, "B", 0)]),
        ((1, "A", -1), "A", "..B", [(2, "B", 2)]),
        # amid a stay: A | B . A . C
        ((1, "A", -1), "B", "..A.C", [(2, "B", 0), (3, "A", 2), (4, "C", 4)]),
        # at the start
        (None, "C", ".AB", [(1, "C", 0), (2, "A", 1), (3, "B", 2)]),
        (None, "A", ".AB", [(1, "A", 0), (2, "B", 2)]),
        # two at once, around stored ones
        ((3, "A", -1), "C..D", ".BB", [(4, "C", 0), (5, "B", 1), (6, "D", 3)]),
    ],
)
def test_a_late_view_numbers_what_comes_after_it_anew(
    before: Told | None, new: str, stored: str, expected: list[Told]
) -> None:
    earlier = {} if before is None else {SESSION: step(*before)}
    assert told(journey_rows(views(new), views(stored), earlier)) == expected


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (view(0, "B", 1), view(0, "A", 2)),
        (view(0, "B", None), view(0, "A", 0)),
        (view(0, "A", 3), view(0, "B", 3)),
        (view(0, "A", None), view(0, "B", None)),
    ],
    ids=["by id", "no id comes first", "then by screen", "by screen where there is no id"],
)
def test_views_of_one_instant_have_one_order_whichever_is_stored(first: View, second: View) -> None:
    expected = [(1, first.screen_name, 0), (2, second.screen_name, 0)]
    assert told(journey_rows([first], [second], {})) == expected
    assert told(journey_rows([second], [first], {})) == expected
    assert told(journey_rows([second, first], [], {})) == expected


@pytest.mark.parametrize("new", range(4))
def test_whichever_view_comes_last_the_journey_is_the_same(new: int) -> None:
    whole = [view(0, "A"), view(1, "B", 5), view(1, "C", 4), view(2, "A")]
    expected = [(1, "A", 0), (2, "C", 1), (3, "B", 1), (4, "A", 2)]
    for rest in permutations(whole[:new] + whole[new + 1 :]):
        assert told(journey_rows([whole[new]], rest, {})) == expected


def test_journeys_of_sessions_are_numbered_apart() -> None:
    new = [view(1, "B"), view(1, "B", session_id=OTHER_SESSION), view(2, "B", session_id=OTHER_SESSION)]
    rows = journey_rows(new, [view(3, "A", session_id=OTHER_SESSION)], {SESSION: step(4, "A", 0)})
    assert rows == [step(5, "B", 1), step(1, "B", 1, OTHER_SESSION), step(2, "A", 3, OTHER_SESSION)]


def test_the_earliest_view_of_each_session_is_where_reading_begins() -> None:
    of_both = [view(3, "A"), view(1, "B"), view(2, "C"), view(9, "A", session_id=OTHER_SESSION)]
    assert earliest(of_both) == {SESSION: at(1), OTHER_SESSION: at(9)}
    assert earliest([]) == {}


@pytest.mark.parametrize(
    ("kind", "screen", "is_step"),
    [
        (PAGE_VIEW, "/a", True),
        (SCREEN_VIEW, "/a", True),
        (PAGE_VIEW, "", True),
        (PAGE_VIEW, None, False),
        (SCREEN_VIEW, None, False),
        (CLICK, "/a", False),
        ("PAGE_VIEW", "/a", False),
    ],
)
def test_only_named_page_and_screen_views_make_steps(kind: str, screen: str | None, is_step: bool) -> None:
    found: Sequence[View] = new_views([kept(0, kind, screen_name=screen, event_uuid=numbered(1))])
    assert found == ([view(0, screen or "", 1)] if is_step else [])
