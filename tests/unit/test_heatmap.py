"""Heatmap points: cells, ten seconds, kinds, missing coordinates, and weights that add up to events."""

import random
from collections import Counter
from typing import Any

import pytest

from pipeline.heatmap import heatmap_rows
from pipeline.moments import moment
from schema.events import API_CALL, CLICK, MOUSE_MOVE, PAGE_VIEW, SCROLL
from schema.rows import HeatmapRow, KeptEvent
from tests.builders import OTHER_SESSION, SESSION, at, kept

CELL_PX = 10
PLACE: dict[str, Any] = {"x": 0, "y": 0, "screen_name": "/a", "viewport_width": 800, "viewport_height": 600}


def pointer(seconds: float = 0, kind: str = CLICK, **fields: Any) -> KeptEvent:
    """Return a click in the first cell of a screen."""
    return kept(seconds, kind, **(PLACE | fields))


def points(*events: KeptEvent, cell_px: int = CELL_PX) -> list[HeatmapRow]:
    return heatmap_rows(events, cell_px)


def only(*events: KeptEvent, cell_px: int = CELL_PX) -> HeatmapRow:
    (point,) = points(*events, cell_px=cell_px)
    return point


# Cells of 10 px:  [-20, -10) [-10, 0) [0, 10) [10, 20)
@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (0, 9, True),
        (9, 10, False),
        (10, 19, True),
        (19, 20, False),
        (-1, 0, False),
        (-10, -1, True),
        (-11, -10, False),
        (-20, -11, True),
        (2**31 - 8, 2**31 - 1, True),
        (-(2**31), -(2**31) + 7, True),
    ],
)
@pytest.mark.parametrize("axis", ["x", "y", "scroll_position"])
def test_a_cell_is_from_its_first_pixel_to_before_the_next_cell(
    axis: str, one: int, other: int, together: bool
) -> None:
    kind = SCROLL if axis == "scroll_position" else CLICK
    found = points(pointer(kind=kind, **{axis: one}), pointer(kind=kind, **{axis: other}))
    assert [point.weight for point in found] == ([2] if together else [1, 1])


@pytest.mark.parametrize(("cell_px", "number"), [(1, 3), (2, 2), (3, 1)])
def test_a_cell_is_as_wide_as_the_policy_says(cell_px: int, number: int) -> None:
    assert len(points(*(pointer(x=x) for x in range(3)), cell_px=cell_px)) == number


# Noon begins ten seconds:   -0.000001 | 0 ............ 9.999999 | 10
@pytest.mark.parametrize(
    ("one", "other", "together"),
    [(-0.000001, 0, False), (0, 9.999999, True), (9.999999, 10, False), (10, 19.999999, True), (-10, -0.000001, True)],
)
def test_a_point_is_of_one_window_of_ten_seconds(one: float, other: float, together: bool) -> None:
    assert len(points(pointer(one), pointer(other))) == (1 if together else 2)


def test_a_point_is_the_sum_of_its_events_and_dated_by_the_earliest() -> None:
    point = only(pointer(3, x=1, y=9), pointer(1, x=9, y=2), pointer(2, x=0, y=4))
    assert (point.weight, point.sum_x, point.sum_y) == (3, 10, 15)
    assert point.event_time == moment(at(1))
    assert (point.session_id, point.screen_name, point.kind) == (SESSION, "/a", CLICK)
    assert (point.viewport_width, point.viewport_height) == (800, 600)


def test_sums_of_negative_coordinates_are_negative() -> None:
    point = only(pointer(x=-1, y=-10), pointer(x=-3, y=-9))
    assert (point.sum_x, point.sum_y) == (-4, -19)


def test_sums_may_be_larger_than_any_coordinate() -> None:
    point = only(*[pointer(x=2**31 - 1, y=-(2**31))] * 3)
    assert (point.sum_x, point.sum_y) == (3 * (2**31 - 1), -3 * 2**31)


@pytest.mark.parametrize(
    "differs",
    [
        {"session_id": OTHER_SESSION},
        {"screen_name": "/b"},
        {"screen_name": None},
        {"kind": MOUSE_MOVE},
        {"viewport_width": 801},
        {"viewport_width": None},
        {"viewport_height": 601},
        {"x": None},
        {"y": None},
        {"x": None, "y": None},
    ],
    ids=str,
)
def test_what_differs_is_a_point_of_its_own(differs: dict[str, Any]) -> None:
    one, other = points(pointer(), pointer(**differs))
    assert (one.weight, other.weight) == (1, 1)
    assert (one.session_id, one.point_key) != (other.session_id, other.point_key)


@pytest.mark.parametrize("same", [{"element_id": "e"}, {"page_url": "/z"}, {"scroll_position": 900}], ids=str)
def test_what_says_nothing_of_the_place_makes_no_point_of_its_own(same: dict[str, Any]) -> None:
    assert only(pointer(), pointer(**same)).weight == 2


def test_a_scroll_has_its_position_in_y_and_no_x_wherever_the_pointer_was() -> None:
    point = only(pointer(kind=SCROLL, x=700, y=90, scroll_position=42), pointer(kind=SCROLL, scroll_position=48))
    assert (point.kind, point.weight, point.sum_x, point.sum_y) == (SCROLL, 2, None, 90)


@pytest.mark.parametrize(
    ("kind", "where", "sums"),
    [
        (CLICK, {"x": None, "y": 7}, (None, 14)),
        (CLICK, {"x": 7, "y": None}, (14, None)),
        (MOUSE_MOVE, {"x": None, "y": None}, (None, None)),
        (SCROLL, {"scroll_position": None}, (None, None)),
        (CLICK, {"x": 0, "y": 0}, (0, 0)),
    ],
)
def test_a_missing_coordinate_is_missing_in_the_point_and_none_of_its_weight(
    kind: str, where: dict[str, Any], sums: tuple[int | None, int | None]
) -> None:
    point = only(pointer(0, kind, **where), pointer(1, kind, **where))
    assert (point.weight, point.sum_x, point.sum_y) == (2, *sums)


@pytest.mark.parametrize("kind", [PAGE_VIEW, API_CALL, "input", "other", "Click"])
def test_events_without_a_pointer_make_no_points(kind: str) -> None:
    assert points(pointer(kind=kind)) == []


def test_a_cell_has_one_key_whatever_of_it_comes_first() -> None:
    keys = {only(event).point_key for event in (pointer(0, x=0, y=9), pointer(9, x=9, y=0), pointer(5, x=4, y=4))}
    assert len(keys) == 1
    assert {len(key) for key in keys} == {24}


def test_no_screen_is_another_than_one_called_none() -> None:
    assert only(pointer(screen_name=None)).point_key != only(pointer(screen_name="None")).point_key


def test_cells_of_another_size_have_other_keys() -> None:
    assert only(pointer()).point_key != only(pointer(), cell_px=CELL_PX + 1).point_key


@pytest.mark.parametrize("seed", range(5))
def test_weights_and_sums_add_up_to_the_events_however_they_are_cut_into_flushes(seed: int) -> None:
    chance = random.Random(seed)
    events = [
        pointer(
            chance.randrange(40),
            chance.choice([CLICK, MOUSE_MOVE, SCROLL]),
            session_id=chance.choice([SESSION, OTHER_SESSION]),
            screen_name=chance.choice(["/a", None]),
            x=chance.choice([None, *range(-15, 15)]),
            y=chance.choice([None, *range(-15, 15)]),
            scroll_position=chance.choice([None, *range(30)]),
        )
        for _ in range(300)
    ]
    whole, cut = points(*events), points(*events[:100]) + points(*events[100:])
    assert weights(whole) == weights(cut) == Counter((event.session_id, event.screen_name) for event in events)
    assert sums(whole) == sums(cut)
    assert {point.point_key for point in whole} == {point.point_key for point in cut}


def weights(found: list[HeatmapRow]) -> Counter[Any]:
    """Return what the points of each session and screen weigh together."""
    total: Counter[Any] = Counter()
    for point in found:
        total[point.session_id, point.screen_name] += point.weight
    return total


def sums(found: list[HeatmapRow]) -> tuple[int, int]:
    return sum(point.sum_x or 0 for point in found), sum(point.sum_y or 0 for point in found)
