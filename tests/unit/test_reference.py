"""The reference that results are compared with, itself compared with rows typed by hand."""

import ast
import itertools
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests import reference
from tests.builders import NOON_US, OTHER_SESSION, SESSION, at, numbered
from tests.reference import (
    RULES,
    Rule,
    Seen,
    deduplicated,
    heatmap_points,
    journey_steps,
    latency_rollups,
    normalised,
    percentile,
    rage_clicks,
)

THREE = Rule(min_clicks=3, max_gap_ms=1000, window_ms=1000, radius_px=30, metric="euclidean", same_element=False)


def seen(seconds: float = 0, event_type: str = "click", **fields: Any) -> Seen:
    """Return an accepted event that happened this long after noon."""
    whole: dict[str, Any] = {"session_id": SESSION, "event_type": event_type, "time_us": at(seconds)} | fields
    return Seen(**whole)


def click(seconds: float, x: int | None = 0, y: int | None = 0, element: str | None = "buy", **fields: Any) -> Seen:
    """Return a click on the cart screen."""
    return seen(seconds, **({"x": x, "y": y, "element_id": element, "screen_name": "cart"} | fields))


def clicks(*seconds: float) -> list[Seen]:
    """Return clicks on one spot."""
    return [click(one) for one in seconds]


def runs(events: list[Seen], rule: Rule = THREE) -> list[tuple[int, float, float]]:
    """Return clicks, first and last click in seconds after noon of every rage click."""
    found = rage_clicks(events, rule).elements()
    return sorted((count, (first - NOON_US) / 1e6, (last - NOON_US) / 1e6) for *_, count, first, last in found)


def test_the_reference_imports_nothing_but_the_standard_library() -> None:
    tree = ast.parse(Path(reference.__file__).read_text())
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert names
    assert all(name and name.partition(".")[0] in sys.stdlib_module_names for name in names)


def test_the_first_event_of_an_id_stays_in_its_session_and_all_without_an_id() -> None:
    first, again = seen(0, event_uuid=numbered(1), x=1), seen(5, event_uuid=numbered(1), x=2)
    other = seen(0, event_uuid=numbered(1), session_id=OTHER_SESSION)
    second, bare = seen(0, event_uuid=numbered(2)), seen(0)
    assert deduplicated([first, bare, again, other, bare, second, first]) == [first, bare, other, bare, second]


# seconds after noon:   0 ..... 0.5 ..... 1 ........ 2 ........ 3
@pytest.mark.parametrize(
    ("timeline", "rows"),
    [
        pytest.param(clicks(), [], id="nothing"),
        pytest.param(clicks(0, 0.5), [], id="two"),
        pytest.param(clicks(0, 0.5, 1), [(3, 0, 1)], id="three in exactly the window"),
        pytest.param(clicks(0, 0.5, 1.000001), [], id="three in a microsecond more than the window"),
        # |c  c  c| gap of exactly a second |c|: joins.        0 .1 .2      1.2
        pytest.param(clicks(0, 0.1, 0.2, 1.2), [(4, 0, 1.2)], id="a fourth at the longest gap"),
        # |c  c  c| a microsecond longer |c  c  c|: two rows.  0 .1 .2      1.200001 ...
        pytest.param(clicks(0, 0.1, 0.2, 1.200001, 1.3, 1.4), [(3, 0, 0.2), (3, 1.200001, 1.4)], id="split by a gap"),
        # the same, with one in between: one run.              0 .1 .2  .7  1.200001 ...
        pytest.param(clicks(0, 0.1, 0.2, 0.7, 1.200001, 1.3, 1.4), [(7, 0, 1.4)], id="joined by one between"),
        # slow, slow, quick, quick, quick, slow: the whole run counts.
        pytest.param(clicks(0, 0.9, 1.8, 1.9, 2.0, 2.9), [(6, 0, 2.9)], id="quick in the middle of a slow run"),
        pytest.param(clicks(0, 0.9, 1.8, 2.7), [], id="slow all along"),
        pytest.param(clicks(0, 0, 0), [(3, 0, 0)], id="at one instant"),
    ],
)
def test_runs_are_cut_at_gaps_and_judged_by_the_window(
    timeline: list[Seen], rows: list[tuple[int, float, float]]
) -> None:
    assert runs(timeline) == rows
    assert runs(timeline[::-1]) == rows


def test_without_a_window_only_the_gaps_count() -> None:
    assert runs(clicks(0, 0.9, 1.8, 2.7), replace(THREE, window_ms=0)) == [(4, 0, 2.7)]


# Three clicks, each this far from the one before; the radius is 50.
@pytest.mark.parametrize(
    ("metric", "x_step", "y_step", "is_one_run"),
    [
        ("euclidean", 30, 40, True),
        ("euclidean", 30, 41, False),
        ("euclidean", -50, 0, True),
        ("euclidean", 0, -51, False),
        ("manhattan", 30, 20, True),
        ("manhattan", 30, 21, False),
        ("manhattan", -25, 25, True),
        ("box", 25, -25, True),
        ("box", 25, 26, False),
        ("box", 26, 0, False),
    ],
)
def test_each_metric_measures_as_it_is_defined(metric: str, x_step: int, y_step: int, is_one_run: bool) -> None:
    timeline = [click(step / 10, step * x_step, step * y_step) for step in range(3)]
    rows = [(3, 0.0, 0.2)] if is_one_run else []
    assert runs(timeline, replace(THREE, radius_px=50, metric=metric)) == rows


def test_a_box_holds_the_whole_run_and_begins_anew_with_the_next() -> None:
    box = replace(THREE, radius_px=50, metric="box")
    # x:  0 -25 25 | 26 60 76 | 77     (50 wide, 50 wide, and one outside of both)
    timeline = [click(step / 10, x) for step, x in enumerate([0, -25, 25, 26, 60, 76, 77])]
    assert runs(timeline, box) == [(3, 0, 0.2), (3, 0.3, 0.5)]


def test_a_fractional_radius_is_not_rounded() -> None:
    under_30 = replace(THREE, radius_px=29.999)
    assert runs([click(0), click(0.1, 29), click(0.2)], under_30) == [(3, 0, 0.2)]
    assert runs([click(0), click(0.1, 30), click(0.2)], under_30) == []


HERE, THERE = {"x": 0, "y": 0}, {"x": 900, "y": 900}
NOWHERE: dict[str, Any] = {"x": None, "y": None}


@pytest.mark.parametrize(
    ("third", "is_one_run"),
    [
        pytest.param({**NOWHERE, "element": "buy"}, True, id="no coordinates, same element"),
        pytest.param({**NOWHERE, "element": "pay"}, False, id="no coordinates, another element"),
        pytest.param({**NOWHERE, "element": None}, False, id="no coordinates, no element"),
        pytest.param({"x": None, "y": 900, "element": "buy"}, True, id="no x"),
        pytest.param({"x": 900, "y": None, "element": "buy"}, True, id="no y"),
        pytest.param({"x": 0, "y": None, "element": "pay"}, False, id="no y, another element"),
        pytest.param({**HERE, "element": "pay"}, True, id="near, another element"),
        pytest.param({**THERE, "element": "buy"}, False, id="far, same element"),
    ],
)
@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "box"])
def test_without_coordinates_the_element_decides(third: dict[str, Any], is_one_run: bool, metric: str) -> None:
    timeline = [click(0), click(0.1), click(0.2, **third)]
    assert runs(timeline, replace(THREE, metric=metric)) == ([(3, 0, 0.2)] if is_one_run else [])


# here --- nowhere --- third: the click before the third has no coordinates; a box also looks further back.
@pytest.mark.parametrize(
    ("metric", "third", "is_one_run"),
    [
        ("euclidean", {**THERE, "element": "buy"}, True),
        ("euclidean", {**HERE, "element": "pay"}, False),
        ("manhattan", {**THERE, "element": "buy"}, True),
        ("box", {**THERE, "element": "buy"}, False),
        ("box", {"x": 30, "y": 31, "element": "buy"}, False),
        ("box", {"x": 30, "y": 30, "element": "buy"}, True),
        ("box", {**HERE, "element": "pay"}, False),
        ("box", {**NOWHERE, "element": "buy"}, True),
    ],
)
def test_after_a_click_without_coordinates_the_element_decides(
    metric: str, third: dict[str, Any], is_one_run: bool
) -> None:
    timeline = [click(0), click(0.1, **NOWHERE), click(0.2, **third)]
    assert runs(timeline, replace(THREE, metric=metric)) == ([(3, 0, 0.2)] if is_one_run else [])


def test_clicks_of_no_element_and_no_place_are_one_run() -> None:
    assert runs([click(step / 10, element=None, **NOWHERE) for step in range(3)]) == [(3, 0, 0.2)]


def test_any_distance_is_near_without_a_radius_also_an_unknown_one() -> None:
    timeline = [click(0), click(0.1, **NOWHERE, element="pay"), click(0.2, 5000, 5000)]
    assert runs(timeline, replace(THREE, radius_px=0)) == [(3, 0, 0.2)]
    assert runs(timeline, replace(THREE, radius_px=0, same_element=True)) == []


def test_where_elements_must_be_the_same_another_one_breaks_the_run() -> None:
    # buy buy pay buy buy buy
    timeline = [click(step / 10, element=name) for step, name in enumerate(["buy", "buy", "pay", "buy", "buy", "buy"])]
    assert runs(timeline) == [(6, 0, 0.5)]
    assert runs(timeline, replace(THREE, same_element=True)) == [(3, 0.3, 0.5)]
    unnamed = [click(step / 10, element=None) for step in range(3)]
    assert runs(unnamed, replace(THREE, same_element=True)) == [(3, 0, 0.2)]
    assert runs([*unnamed[:2], click(0.2)], replace(THREE, same_element=True)) == []
    assert runs([*unnamed[:2], click(0.2, element="")], replace(THREE, same_element=True)) == []


def test_ignored_clicks_are_as_if_they_were_not_there() -> None:
    # buy next buy Next buy: "next" is ignored, "Next" is not
    names = ["buy", "next", "buy", "Next", "buy", "buy", "buy"]
    timeline = [click(step / 10, element=name) for step, name in enumerate(names)]
    rule = replace(THREE, same_element=True, ignore=("x", "n?xt*"))
    assert runs(timeline, rule) == [(3, 0.4, 0.6)]
    assert runs(timeline, replace(rule, ignore=("?ext",))) == [(5, 0, 0.6)]
    assert runs([*clicks(0, 0.7), click(0.5, element="next"), *clicks(1.8)], rule) == []
    assert runs([click(0, element=None)] * 3, replace(rule, ignore=("*",))) == [(3, 0, 0)]


def test_screens_and_sessions_do_not_break_each_others_runs_and_no_screen_is_one_of_its_own() -> None:
    places: list[dict[str, Any]] = [{}, {"screen_name": None}, {"session_id": OTHER_SESSION}]
    timeline = [click(number / 10, **places[number % 3]) for number in range(9)]
    # cart: 0 .3 .6   no screen: .1 .4 .7   the other session's cart: .2 .5 .8
    assert rage_clicks(timeline, THREE) == Counter(
        [
            (SESSION, "buy", "cart", 3, at(0), at(0.6)),
            (SESSION, "buy", None, 3, at(0.1), at(0.7)),
            (OTHER_SESSION, "buy", "cart", 3, at(0.2), at(0.8)),
        ]
    )


def test_a_rage_click_is_named_after_its_first_click_and_other_events_are_none() -> None:
    timeline = [click(0, element=None), click(0.1, element="a"), click(0.2, element="b"), seen(0.15, "input")]
    assert rage_clicks(timeline, THREE) == Counter([(SESSION, None, "cart", 3, at(0), at(0.2))])


# In the order of ids 0 25 50 is one run, in any other order it is not.
@pytest.mark.parametrize(("xs", "rows"), [((0, 25, 50), [(3, 0, 0)]), ((0, 50, 25), []), ((25, 0, 50), [])])
def test_clicks_of_one_instant_go_in_the_order_of_their_ids(
    xs: tuple[int, ...], rows: list[tuple[int, float, float]]
) -> None:
    timeline = [click(0, x, event_uuid=None if number == 0 else numbered(number)) for number, x in enumerate(xs)]
    assert all(runs(list(shuffled)) == rows for shuffled in itertools.permutations(timeline))


def test_clicks_of_one_instant_without_ids_go_by_element_then_place() -> None:
    by_place = [click(0, 25), click(0, 0), click(0, 50)]
    by_element = [click(0, 0, element=None), click(0, 50, element="a"), click(0, 25, element="b")]
    by_y = [click(0, 0, 25), click(0, 0, 50), click(0, 0, 0)]
    # nowhere 0 0 | 900: after the far one, the one nowhere would leave the others two
    without_x = [click(0), click(0), click(0, 900), click(0, None)]
    without_y = [click(0), click(0), click(0, 0, 900), click(0, 0, None)]
    assert [runs(timeline) for timeline in (by_place, by_y, without_x, without_y)] == [[(3, 0, 0)]] * 4
    assert runs(by_element) == []


def test_the_rules_tell_products_apart() -> None:
    assert list(RULES) == ["hxi", "posthog", "mixpanel", "datadog", "newrelic", "openreplay", "amplitude"]
    slow_4 = [click(step * 0.9) for step in range(4)]
    quick_4 = [click(step * 0.333) for step in range(4)]
    quick_3_far_apart = [click(step * 0.299, step * 1000) for step in range(3)]
    timelines = [slow_4, quick_4, quick_3_far_apart]
    who = {name: [bool(runs(timeline, rule)) for timeline in timelines] for name, rule in RULES.items()}
    assert who == {
        "hxi": [False, True, False],
        "posthog": [True, True, False],
        "mixpanel": [True, True, False],
        "datadog": [False, True, False],
        "newrelic": [False, True, False],
        "openreplay": [False, False, True],
        "amplitude": [False, True, False],
    }


def pointer(seconds: float, x: int | None, y: int | None, **fields: Any) -> Seen:
    """Return a pointer event on the cart screen in a window of 800 by 600."""
    shown: dict[str, Any] = {"screen_name": "cart", "viewport_width": 800, "viewport_height": 600}
    return seen(seconds, **({"event_type": "mouse_move", "x": x, "y": y} | shown | fields))


def points(*events: Seen) -> list[tuple[object, ...]]:
    """Return x, y, weight and seconds after noon of the first event of every point."""
    found = heatmap_points(events, 10).elements()
    shown = [(x, y, weight, (first_us - NOON_US) / 1e6) for *_, x, y, weight, first_us in found]
    return sorted(shown, key=repr)


# Cells of 10:   ... [-10, -1] [0, 9] [10, 19] ...
@pytest.mark.parametrize(
    ("xs", "rows"),
    [
        pytest.param([3], [(3, 0, 1, 0)], id="one"),
        pytest.param([0, 9], [(5, 0, 2, 0)], id="a half goes up"),
        pytest.param([0, 0, 1], [(0, 0, 3, 0)], id="a third goes down"),
        pytest.param([0, 1, 1], [(1, 0, 3, 0)], id="two thirds go up"),
        pytest.param([-1, -2], [(-1, 0, 2, 0)], id="a negative half goes up too"),
        pytest.param([-1, -2, -2], [(-2, 0, 3, 0)], id="negative two thirds"),
        pytest.param([-10, -1], [(-5, 0, 2, 0)], id="the first cell below zero"),
        pytest.param([-1, 0], [(-1, 0, 1, 0), (0, 0, 1, 0)], id="apart at zero"),
        pytest.param([9, 10], [(10, 0, 1, 0), (9, 0, 1, 0)], id="apart at ten"),
        pytest.param([-11, -10], [(-10, 0, 1, 0), (-11, 0, 1, 0)], id="apart at minus ten"),
    ],
)
def test_a_point_is_the_mean_of_its_cell_rounded_half_up(xs: list[int], rows: list[tuple[object, ...]]) -> None:
    assert points(*(pointer(0, x, 0) for x in xs)) == rows
    flipped = [(y, x, weight, first) for x, y, weight, first in rows]
    assert points(*(pointer(0, 0, x) for x in xs)) == sorted(flipped, key=repr)


# seconds after noon:  [0 ....... 9.999999] [10 ...
def test_a_point_ends_with_its_ten_seconds_and_tells_its_first() -> None:
    timeline = [pointer(second, 0, 0) for second in (9.999999, 3, 10, 7, 19)]
    assert points(*timeline) == [(0, 0, 2, 10.0), (0, 0, 3, 3.0)]


def test_points_before_1970_have_windows_too() -> None:
    early = [replace(pointer(0, 0, 0), time_us=time_us) for time_us in (-1, -10_000_000, 0)]
    assert sorted(key[-1] for key in heatmap_points(early, 10).elements()) == [-10_000_000, 0]


def test_missing_coordinates_are_cells_of_their_own() -> None:
    timeline = [pointer(0, None, None), pointer(1, 5, None), pointer(2, None, 5), pointer(3, 7, None), pointer(4, 5, 5)]
    assert points(*timeline) == [(5, 5, 1, 4.0), (6, None, 2, 1.0), (None, 5, 1, 2.0), (None, None, 1, 0.0)]


def test_a_scroll_has_its_position_for_y_and_no_x() -> None:
    down = [pointer(0, 5, 5, event_type="scroll", scroll_position=position) for position in (1200, 1205, 1210, None)]
    assert points(*down) == [(None, 1203, 2, 0), (None, 1210, 1, 0), (None, None, 1, 0)]


def test_session_screen_kind_and_viewport_keep_points_apart_and_other_types_make_none() -> None:
    others: list[dict[str, Any]] = [
        {"session_id": OTHER_SESSION},
        {"screen_name": None},
        {"event_type": "click"},
        {"viewport_width": 801},
        {"viewport_height": None},
    ]
    timeline = [pointer(0, 1, 2), *(pointer(0, 1, 2, **other) for other in others)]
    timeline += [pointer(1, 3, 4), pointer(0, 1, 2, event_type="input"), pointer(0, 1, 2, event_type="page_view")]
    assert heatmap_points(timeline, 10) == Counter(
        [
            (SESSION, "cart", "mouse_move", 800, 600, 2, 3, 2, NOON_US),
            (OTHER_SESSION, "cart", "mouse_move", 800, 600, 1, 2, 1, NOON_US),
            (SESSION, None, "mouse_move", 800, 600, 1, 2, 1, NOON_US),
            (SESSION, "cart", "click", 800, 600, 1, 2, 1, NOON_US),
            (SESSION, "cart", "mouse_move", 801, 600, 1, 2, 1, NOON_US),
            (SESSION, "cart", "mouse_move", 800, None, 1, 2, 1, NOON_US),
        ]
    )


# Views a second apart, by the first letter of their screen; "-" has no screen.
@pytest.mark.parametrize(
    ("screens", "steps"),
    [
        ("", []),
        ("A", [(1, "A", 0)]),
        ("AA", [(1, "A", 0)]),
        ("ABA", [(1, "A", 0), (2, "B", 1), (3, "A", 2)]),
        ("AAB", [(1, "A", 0), (2, "B", 2)]),
        ("AABBBA", [(1, "A", 0), (2, "B", 2), (3, "A", 5)]),
        ("A-A", [(1, "A", 0)]),
        ("-A-B-", [(1, "A", 1), (2, "B", 3)]),
    ],
)
@pytest.mark.parametrize("event_type", ["page_view", "screen_view"])
def test_a_step_is_a_change_of_screen(screens: str, steps: list[tuple[int, str, int]], event_type: str) -> None:
    views = [
        seen(second, event_type, screen_name=None if screen == "-" else screen) for second, screen in enumerate(screens)
    ]
    expected = Counter((SESSION, number, screen, at(second)) for number, screen, second in steps)
    assert journey_steps(views) == expected
    assert journey_steps(views[::-1]) == expected


def test_both_kinds_of_view_make_one_journey_per_session_and_other_events_none() -> None:
    timeline = [
        seen(0, "page_view", screen_name="A"),
        seen(1, "click", screen_name="B"),
        seen(2, "screen_view", screen_name="A"),
        seen(2.5, "page_view", screen_name="B", session_id=OTHER_SESSION),
        seen(3, "screen_view", screen_name="C"),
    ]
    assert journey_steps(timeline) == Counter(
        [(SESSION, 1, "A", at(0)), (SESSION, 2, "C", at(3)), (OTHER_SESSION, 1, "B", at(2.5))]
    )


def test_views_of_one_instant_go_by_id_none_first_then_by_screen() -> None:
    views = [
        seen(0, "page_view", screen_name="A", event_uuid=numbered(2)),
        seen(0, "page_view", screen_name="B", event_uuid=numbered(1)),
        seen(0, "page_view", screen_name="D"),
        seen(0, "page_view", screen_name="C"),
    ]
    steps = [(SESSION, number, screen, NOON_US) for number, screen in enumerate("CDBA", start=1)]
    assert all(journey_steps(shuffled) == Counter(steps) for shuffled in itertools.permutations(views))


# Closest ranks of [10, 20, 30, 40]:  10 at 0 %, 20 at 33.3 %, 30 at 66.7 %, 40 at 100 %
@pytest.mark.parametrize(
    ("values", "p50", "p95", "p99"),
    [
        ([7], 7, 7, 7),
        ([0, 100], 50, 95, 99),
        ([10, 20], 15, 19.5, 19.9),
        ([1, 2, 3], 2, 2.9, 2.98),
        ([10, 20, 30, 40], 25, 38.5, 39.7),
        ([5, 5, 5, 5, 5], 5, 5, 5),
        (list(range(101)), 50, 95, 99),
        (list(range(1, 101)), 50.5, 95.05, 99.01),
    ],
)
def test_percentiles_lie_between_the_closest_ranks(values: list[int], p50: float, p95: float, p99: float) -> None:
    assert [percentile(values, percent) for percent in (50, 95, 99)] == pytest.approx([p50, p95, p99], abs=1e-9)
    assert [percentile(values, percent) for percent in (0, 100)] == [values[0], values[-1]]


def call(seconds: float, latency_ms: int = 100, status: int = 200, endpoint: str = "/pay", **fields: Any) -> Seen:
    """Return a call of an endpoint from the cart screen."""
    said = {"api_endpoint": endpoint, "latency_ms": latency_ms, "status_code": status, "screen_name": "cart"}
    return seen(seconds, "api_call", **(said | fields))


def test_a_rollup_sums_its_calls_up() -> None:
    # T is 100, so 4 T is 400:  0 100 satisfied | 101 400 tolerating | 401 1000 frustrated -> (2 + 2/2) / 6
    calls = [call(0, 1000, 0), call(1, 0, 200), call(2, 100, 499), call(3, 101, 500), call(4, 400, 599), call(5, 401)]
    ((key, rollup),) = latency_rollups(calls, 100).items()
    assert key == (NOON_US, "cart", "/pay")
    assert (rollup.calls, rollup.errors, rollup.min_ms, rollup.max_ms, rollup.apdex) == (6, 3, 0, 1000, 0.5)
    rest = (rollup.mean_ms, rollup.p50, rollup.p95, rollup.p99)
    assert rest == pytest.approx((2002 / 6, 250.5, 850.25, 970.05), abs=1e-9)


@pytest.mark.parametrize(
    ("latencies", "apdex"),
    [([500], 1), ([501], 0.5), ([2000], 0.5), ([2001], 0), ([0, 501], 0.75), ([500, 2000, 2001], 0.5)],
)
def test_apdex_counts_the_satisfied_whole_and_the_tolerating_half(latencies: list[int], apdex: float) -> None:
    (rollup,) = latency_rollups([call(0, latency) for latency in latencies], 500).values()
    assert rollup.apdex == apdex


# [12:00:00 ........ 12:00:59.999999] [12:01:00 ...
def test_rollups_are_per_minute_screen_and_endpoint_over_all_sessions() -> None:
    calls = [
        call(59.999999, 10),
        call(60, 20),
        call(0, 30, session_id=OTHER_SESSION),
        call(0, 40, screen_name=None),
        call(0, 50, endpoint="/users/7?x=1"),
        call(0, 60, endpoint="/users/8"),
        seen(0, "click", screen_name="cart"),
    ]
    sums = {key: (one.calls, one.min_ms, one.max_ms) for key, one in latency_rollups(calls, 500).items()}
    assert sums == {
        (NOON_US, "cart", "/pay"): (2, 10, 30),
        (NOON_US + 60_000_000, "cart", "/pay"): (1, 20, 20),
        (NOON_US, None, "/pay"): (1, 40, 40),
        (NOON_US, "cart", "/users/:id"): (2, 50, 60),
    }


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("/users/123?x=1", "/users/:id"),
        ("/users/123/posts/4/", "/users/:id/posts/:id/"),
        ("/users#12", "/users"),
        ("/users#a?b/1", "/users"),
        ("/users?next=/a#b", "/users"),
        ("/5e551011-0000-4000-8000-000000000001", "/:id"),
        ("/5E551011-ABCD-4000-8000-00000000000F/x", "/:id/x"),
        ("/5e551011-0000-4000-8000-00000000000", "/5e551011-0000-4000-8000-00000000000"),
        ("/deadbee1", "/:id"),
        ("/DEADBEE1", "/:id"),
        ("/deadbe1", "/deadbe1"),
        ("/deadbeef", "/deadbeef"),
        ("/deadbeefdeadbee", "/deadbeefdeadbee"),
        ("/deadbeefdeadbeef", "/:id"),
        ("/deadbee1g", "/deadbee1g"),
        ("/v2/items", "/v2/items"),
        ("/0", "/:id"),
        ("users/1", "users/:id"),
        ("42", ":id"),
        ("", ""),
        ("?a=1", ""),
        ("/", "/"),
        ("//", "//"),
        ("https://api.example.com/users/1?x#y", "https://api.example.com/users/:id"),
        ("https://10.0.0.1:8080/1", "https://10.0.0.1:8080/:id"),
        ("http://123/123", "http://123/:id"),
        ("https://api.example.com?x=1", "https://api.example.com"),
        ("https://api.example.com", "https://api.example.com"),
        ("/" + "a/" * 200, "/" + "a/" * 127),
        ("/1" + "/a" * 200, "/:id" + "/a" * 125 + "/"),
    ],
)
def test_an_endpoint_loses_what_differs_from_call_to_call(endpoint: str, expected: str) -> None:
    assert normalised(endpoint) == expected
