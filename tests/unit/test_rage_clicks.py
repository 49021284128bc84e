"""The rage click rule at its edges: every bound of every preset, and runs of every awkward shape.

Timelines are in microseconds after noon where a bound is tested, in seconds elsewhere. Expected rows are typed by hand.
"""

import itertools
import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from pipeline.rage_clicks import PRESETS, RageRule, rage_clicks
from schema.rows import Click, RageClickRow
from tests.builders import NOON_US, OTHER_SESSION, SESSION, at, numbered

HXI = RageRule(3, 1000, 1000, 30, "euclidean", False)
MS = 1000
Run = tuple[int, int, int]
"""Clicks, and first and last of them in microseconds after noon."""


def click(after_us: int = 0, x: int | None = 0, y: int | None = 0, **fields: Any) -> Click:
    """Return a click on the cart's buy button, this many microseconds after noon."""
    defaults: dict[str, Any] = {
        "session_id": SESSION,
        "event_uuid": None,
        "screen_name": "cart",
        "element_id": "buy",
    }
    return Click(time_us=NOON_US + after_us, x=x, y=y, **(defaults | fields))


def clicks(*after_us: int) -> list[Click]:
    """Return clicks on one spot."""
    return [click(one) for one in after_us]


def in_seconds(*seconds: float) -> list[Click]:
    """Return clicks on one spot, this many seconds after noon."""
    return clicks(*(at(one) - NOON_US for one in seconds))


def every(step_us: int, places: Sequence[dict[str, Any]]) -> list[Click]:
    """Return a click per place, ``step_us`` apart."""
    return [click(number * step_us, **place) for number, place in enumerate(places)]


def after_noon_us(instant: datetime) -> int:
    """Return a row's time as whole microseconds after noon."""
    since = instant.replace(tzinfo=UTC) - datetime(2024, 1, 5, 12, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def runs(timeline: Iterable[Click], rule: RageRule) -> list[Run]:
    """Return the rage clicks' numbers and times, in order of time."""
    rows = rage_clicks(timeline, rule)
    return sorted(
        (row.click_count, after_noon_us(row.first_click_time), after_noon_us(row.last_click_time)) for row in rows
    )


def counts(timeline: Iterable[Click], rule: RageRule) -> list[int]:
    """Return how many clicks each rage click has."""
    return sorted(row.click_count for row in rage_clicks(timeline, rule))


def test_the_presets_are_the_contracts() -> None:
    assert dict(PRESETS) == {
        "hxi": RageRule(3, 1000, 1000, 30, "euclidean", False),
        "posthog": RageRule(3, 999, 0, 29.999, "manhattan", False),
        "mixpanel": RageRule(4, 999, 0, 29.999, "euclidean", False),
        "datadog": RageRule(3, 999, 1000, 100, "euclidean", True),
        "newrelic": RageRule(4, 999, 999, 0, "euclidean", True),
        "openreplay": RageRule(3, 299, 0, 0, "euclidean", True),
        "amplitude": RageRule(4, 999, 999, 50, "box", True),
    }


@pytest.mark.parametrize(
    ("preset", "number", "expected"),
    [
        ("hxi", 2, []), ("hxi", 3, [3]), ("hxi", 4, [4]),
        ("posthog", 2, []), ("posthog", 3, [3]), ("posthog", 4, [4]),
        ("mixpanel", 3, []), ("mixpanel", 4, [4]), ("mixpanel", 5, [5]),
        ("datadog", 2, []), ("datadog", 3, [3]), ("datadog", 4, [4]),
        ("newrelic", 3, []), ("newrelic", 4, [4]), ("newrelic", 5, [5]),
        ("openreplay", 2, []), ("openreplay", 3, [3]), ("openreplay", 4, [4]),
        ("amplitude", 3, []), ("amplitude", 4, [4]), ("amplitude", 5, [5]),
    ],
)  # fmt: skip
def test_a_run_needs_its_preset_s_number_of_clicks(preset: str, number: int, expected: list[int]) -> None:
    assert counts(every(10 * MS, [{}] * number), PRESETS[preset]) == expected


# Enough clicks at noon, then one a gap later:   |ccc|----- gap -----|c|
@pytest.mark.parametrize(
    ("preset", "fewest", "gap_us", "joins"),
    [
        ("hxi", 3, 999_999, True), ("hxi", 3, 1_000_000, True), ("hxi", 3, 1_000_001, False),
        ("posthog", 3, 998_999, True), ("posthog", 3, 999_000, True), ("posthog", 3, 999_001, False),
        ("mixpanel", 4, 998_999, True), ("mixpanel", 4, 999_000, True), ("mixpanel", 4, 999_001, False),
        ("datadog", 3, 998_999, True), ("datadog", 3, 999_000, True), ("datadog", 3, 999_001, False),
        ("newrelic", 4, 998_999, True), ("newrelic", 4, 999_000, True), ("newrelic", 4, 999_001, False),
        ("openreplay", 3, 298_999, True), ("openreplay", 3, 299_000, True), ("openreplay", 3, 299_001, False),
        ("amplitude", 4, 998_999, True), ("amplitude", 4, 999_000, True), ("amplitude", 4, 999_001, False),
    ],
)  # fmt: skip
def test_a_click_continues_up_to_the_longest_gap(preset: str, fewest: int, gap_us: int, joins: bool) -> None:
    expected = [(fewest + 1, 0, gap_us)] if joins else [(fewest, 0, 0)]
    assert runs([*clicks(*[0] * fewest), click(gap_us)], PRESETS[preset]) == expected


# As few clicks as can be, the last of them at the window's edge; no gap is too long for a run.
@pytest.mark.parametrize(
    ("preset", "timeline", "is_rage"),
    [
        ("hxi", (0, 500_000, 999_999), True),
        ("hxi", (0, 500_000, 1_000_000), True),
        ("hxi", (0, 500_000, 1_000_001), False),
        ("hxi", (0, 1, 1_000_001), False),
        ("datadog", (0, 500_000, 999_999), True),
        ("datadog", (0, 500_000, 1_000_000), True),
        ("datadog", (0, 500_000, 1_000_001), False),
        ("newrelic", (0, 333_000, 666_000, 998_999), True),
        ("newrelic", (0, 333_000, 666_000, 999_000), True),
        ("newrelic", (0, 333_000, 666_000, 999_001), False),
        ("amplitude", (0, 333_000, 666_000, 998_999), True),
        ("amplitude", (0, 333_000, 666_000, 999_000), True),
        ("amplitude", (0, 333_000, 666_000, 999_001), False),
        ("posthog", (0, 999_000, 1_998_000), True),
        ("posthog", (0, 999_000, 1_998_001), False),
        ("mixpanel", (0, 999_000, 1_998_000, 2_997_000), True),
        ("mixpanel", (0, 999_000, 1_998_000, 2_997_001), False),
        ("openreplay", (0, 299_000, 598_000), True),
        ("openreplay", (0, 299_000, 598_001), False),
    ],
)
def test_enough_clicks_have_to_lie_within_the_window(preset: str, timeline: tuple[int, ...], is_rage: bool) -> None:
    expected = [(len(timeline), 0, timeline[-1])] if is_rage else []
    assert runs(clicks(*timeline), PRESETS[preset]) == expected


# Enough clicks on one spot, then one this far from it.
@pytest.mark.parametrize(
    ("preset", "fewest", "x", "y", "joins"),
    [
        ("hxi", 3, 29, 0, True), ("hxi", 3, 30, 0, True), ("hxi", 3, 31, 0, False),
        ("hxi", 3, 0, -29, True), ("hxi", 3, 0, -30, True), ("hxi", 3, 0, -31, False),
        ("hxi", 3, -18, 23, True), ("hxi", 3, -18, 24, True), ("hxi", 3, -18, 25, False),
        ("posthog", 3, 28, 0, True), ("posthog", 3, 29, 0, True), ("posthog", 3, 30, 0, False),
        ("posthog", 3, 0, -28, True), ("posthog", 3, 0, -29, True), ("posthog", 3, 0, -30, False),
        ("posthog", 3, -14, 14, True), ("posthog", 3, -14, 15, True), ("posthog", 3, -15, 15, False),
        ("mixpanel", 4, 28, 0, True), ("mixpanel", 4, 29, 0, True), ("mixpanel", 4, 30, 0, False),
        ("mixpanel", 4, 0, -28, True), ("mixpanel", 4, 0, -29, True), ("mixpanel", 4, 0, -30, False),
        ("mixpanel", 4, -18, 23, True), ("mixpanel", 4, -18, 24, False), ("mixpanel", 4, -18, 25, False),
        ("datadog", 3, 99, 0, True), ("datadog", 3, 100, 0, True), ("datadog", 3, 101, 0, False),
        ("datadog", 3, 0, -99, True), ("datadog", 3, 0, -100, True), ("datadog", 3, 0, -101, False),
        ("datadog", 3, 60, -79, True), ("datadog", 3, 60, -80, True), ("datadog", 3, 60, -81, False),
        ("newrelic", 4, 2**31 - 1, -(2**31), True),
        ("openreplay", 3, 2**31 - 1, -(2**31), True),
        ("amplitude", 4, 49, 0, True), ("amplitude", 4, 50, 0, True), ("amplitude", 4, 51, 0, False),
        ("amplitude", 4, 0, -49, True), ("amplitude", 4, 0, -50, True), ("amplitude", 4, 0, -51, False),
        ("amplitude", 4, -50, 50, True), ("amplitude", 4, -51, 50, False), ("amplitude", 4, -50, 51, False),
    ],
)  # fmt: skip
def test_a_click_continues_up_to_the_radius(preset: str, fewest: int, x: int, y: int, joins: bool) -> None:
    timeline = [*clicks(*[0] * fewest), click(10 * MS, x, y)]
    assert counts(timeline, PRESETS[preset]) == [fewest + 1 if joins else fewest]


@pytest.mark.parametrize(
    ("preset", "fewest", "joins"),
    [
        ("hxi", 3, True),
        ("posthog", 3, True),
        ("mixpanel", 4, True),
        ("datadog", 3, False),
        ("newrelic", 4, False),
        ("openreplay", 3, False),
        ("amplitude", 4, False),
    ],
)
@pytest.mark.parametrize("other", ["pay", "Buy", "", None], ids=["another", "other case", "empty", "none"])
def test_another_element_on_the_same_spot_continues_only_where_it_may(
    preset: str, fewest: int, joins: bool, other: str | None
) -> None:
    timeline = [*clicks(*[0] * fewest), click(10 * MS, element_id=other)]
    assert counts(timeline, PRESETS[preset]) == [fewest + 1 if joins else fewest]


@pytest.mark.parametrize(
    ("metric", "radius_px", "x", "y", "joins"),
    [
        ("euclidean", 29.999, 29, 0, True), ("euclidean", 29.999, 30, 0, False),
        ("euclidean", 30, 30, 0, True), ("euclidean", 30.001, 30, 0, True), ("euclidean", 30.001, 30, 1, False),
        ("euclidean", 1.5, 1, 1, True), ("euclidean", 1.4, 1, 1, False),
        ("manhattan", 29.999, 15, -14, True), ("manhattan", 29.999, 15, -15, False),
        ("manhattan", 30, 15, -15, True), ("manhattan", 30, 16, -15, False), ("manhattan", 30.5, 15, -15, True),
        ("box", 29.999, 29, -29, True), ("box", 29.999, 30, 0, False), ("box", 29.999, 0, 30, False),
        ("box", 30, 30, -30, True), ("box", 30, 31, 0, False), ("box", 30.5, 0, 31, False),
        ("euclidean", 0.5, 0, 0, True), ("euclidean", 0.5, 1, 0, False),
        ("manhattan", 0.5, 0, 0, True), ("manhattan", 0.5, 0, 1, False),
        ("box", 0.5, 0, 0, True), ("box", 0.5, 1, 0, False),
        ("euclidean", 30, 2**31 - 1, 2**31 - 1, False),
        ("manhattan", 30, -(2**31), 2**31 - 1, False),
        ("box", 30, -(2**31), -(2**31), False),
        ("euclidean", 0, 2**31 - 1, 0, True), ("manhattan", 0, 0, 2**31 - 1, True), ("box", 0, -(2**31), 9, True),
    ],
)  # fmt: skip
def test_radii_may_be_fractions_and_coordinates_large(
    metric: Any, radius_px: float, x: int, y: int, joins: bool
) -> None:
    rule = replace(HXI, metric=metric, radius_px=radius_px)
    assert counts([*clicks(0, 0, 0), click(10 * MS, x, y)], rule) == [4 if joins else 3]
    assert counts([click(0, x, y)] * 3 + clicks(10 * MS), rule) == [4 if joins else 3]


# x:  0 -- 25 -- 50 -- 75 -- 100: each near the one before, the last far from the first
@pytest.mark.parametrize(
    ("metric", "radius_px", "expected"),
    [
        pytest.param("euclidean", 25, [5], id="euclidean follows"),
        pytest.param("manhattan", 25, [5], id="manhattan follows"),
        pytest.param("euclidean", 24.999, [], id="euclidean one step too far"),
        pytest.param("box", 50, [3], id="a box ends, the two after it are too few"),
        pytest.param("box", 49.999, [], id="a box of two ends twice"),
        pytest.param("box", 100, [5], id="a box holds them all"),
    ],
)
def test_a_run_may_drift_from_click_to_click_but_not_out_of_its_box(
    metric: Any, radius_px: float, expected: list[int]
) -> None:
    drifting = every(10 * MS, [{"x": 25 * step} for step in range(5)])
    assert counts(drifting, replace(HXI, metric=metric, radius_px=radius_px)) == expected


@pytest.mark.parametrize(
    ("xs", "expected"),
    [
        pytest.param([0, -25, 25, 26], [3], id="widest between others than the last two"),
        pytest.param([0, -25, 25, -25, 25], [5], id="back and forth inside"),
        pytest.param([0, 0, 51, 51, 51, 1], [4], id="a new run has a new box"),
        pytest.param([0, 0, 0, 51, 51, 51, 0, 0, 0], [3, 3, 3], id="left and come back to"),
    ],
)
def test_a_box_is_as_wide_as_all_clicks_of_its_run(xs: list[int], expected: list[int]) -> None:
    box = replace(HXI, metric="box", radius_px=50)
    assert counts(every(10 * MS, [{"x": x} for x in xs]), box) == expected
    assert counts(every(10 * MS, [{"x": 0, "y": x} for x in xs]), box) == expected


NOWHERE: dict[str, Any] = {"x": None, "y": None}
FAR: dict[str, Any] = {"x": 900, "y": 900}
PAY: dict[str, Any] = {"element_id": "pay"}
UNNAMED: dict[str, Any] = {"element_id": None}


@pytest.mark.parametrize(
    ("places", "is_one_run"),
    [
        pytest.param([{}, {}, NOWHERE], True, id="the last one nowhere"),
        pytest.param([NOWHERE, {}, {}], True, id="the first one nowhere"),
        pytest.param([NOWHERE] * 3, True, id="all of them nowhere"),
        pytest.param([NOWHERE | UNNAMED] * 3, True, id="nowhere and unnamed"),
        pytest.param([{}, {}, NOWHERE | PAY], False, id="nowhere on another element"),
        pytest.param([NOWHERE, NOWHERE, NOWHERE | PAY], False, id="all nowhere, another element"),
        pytest.param([NOWHERE | PAY, {}, {}], False, id="on another element than the one nowhere"),
        pytest.param([NOWHERE, {}, NOWHERE | UNNAMED], False, id="nowhere and no element"),
        pytest.param([NOWHERE | UNNAMED, {}, {}], False, id="named after an unnamed one nowhere"),
        pytest.param([{}, {}, {"x": None, "y": 0}], True, id="x missing"),
        pytest.param([{}, {}, {"x": 0, "y": None}], True, id="y missing"),
        pytest.param([{}, {}, {"x": None, "y": 0} | PAY], False, id="x missing, another element"),
        pytest.param([{}, {}, {"x": 0, "y": None} | PAY], False, id="y missing, another element"),
        pytest.param([{}, {}, {"x": None, "y": 900}], True, id="x missing, y far"),
        pytest.param([{"x": None}, {"y": None}, {"x": None}], True, id="one missing each"),
        pytest.param([PAY, {}, NOWHERE], True, id="nowhere on the last one's element"),
        pytest.param([{}, PAY, NOWHERE], False, id="nowhere on an earlier one's element"),
        pytest.param([UNNAMED, UNNAMED, {}], True, id="near, unnamed or not"),
        pytest.param([{}, {}, FAR], False, id="far on the same element"),
    ],
)
@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "box"])
def test_where_coordinates_are_missing_the_element_decides(
    places: list[dict[str, Any]], is_one_run: bool, metric: Any
) -> None:
    assert counts(every(10 * MS, places), replace(HXI, metric=metric)) == ([3] if is_one_run else [])


# here --- nowhere --- there: a click without coordinates bridges any distance, but does not widen a box.
@pytest.mark.parametrize(
    ("metric", "places", "expected"),
    [
        ("euclidean", [{}, NOWHERE, FAR], [3]),
        ("manhattan", [{}, NOWHERE, FAR], [3]),
        ("box", [{}, NOWHERE, FAR], []),
        ("box", [{}, NOWHERE, {"x": 30, "y": -30}], [3]),
        ("box", [{}, NOWHERE, {"x": 31}], []),
        ("box", [NOWHERE, NOWHERE, FAR, FAR], [4]),
        ("box", [{}, NOWHERE, NOWHERE, FAR], [3]),
        ("box", [{"x": 0, "y": None}, FAR, FAR], [3]),
        ("box", [{"x": 0, "y": 0}, {"x": 900, "y": None}, {"x": 30, "y": 30}], [3]),
    ],
)
def test_a_click_without_coordinates_bridges_but_a_box_remembers(
    metric: Any, places: list[dict[str, Any]], expected: list[int]
) -> None:
    assert counts(every(10 * MS, places), replace(HXI, metric=metric)) == expected


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "box"])
def test_without_a_radius_missing_coordinates_are_near_whatever_the_element(metric: Any) -> None:
    places = [{}, NOWHERE | PAY, FAR, NOWHERE | UNNAMED]
    rule = replace(HXI, metric=metric, radius_px=0)
    assert counts(every(10 * MS, places), rule) == [4]
    assert counts(every(10 * MS, places), replace(rule, same_element=True)) == []


@pytest.mark.parametrize("preset", ["datadog", "newrelic", "openreplay", "amplitude"])
def test_where_elements_must_be_the_same_none_is_the_same_as_none_only(preset: str) -> None:
    assert counts(every(10 * MS, [UNNAMED] * 4), PRESETS[preset]) == [4]
    assert counts(every(10 * MS, [UNNAMED, UNNAMED, {}, UNNAMED, UNNAMED]), PRESETS[preset]) == []
    assert counts(every(10 * MS, [UNNAMED, UNNAMED, {"element_id": ""}, UNNAMED, UNNAMED]), PRESETS[preset]) == []


# cart: 0   .2   .4   .6
#  pay:   .1   .3   .5   .7
@pytest.mark.parametrize("preset", list(PRESETS))
def test_interleaved_screens_and_sessions_have_runs_of_their_own(preset: str) -> None:
    for other in ({"screen_name": "pay"}, {"screen_name": None}, {"session_id": OTHER_SESSION}):
        timeline = every(100 * MS, [{}, other] * 4)
        assert runs(timeline, PRESETS[preset]) == [(4, 0, 600 * MS), (4, 100 * MS, 700 * MS)]


@pytest.mark.parametrize("preset", list(PRESETS))
def test_clicks_spread_over_screens_are_not_one_run(preset: str) -> None:
    screens: list[str | None] = ["cart", "pay", None, "Cart", ""]
    assert counts(every(10 * MS, [{"screen_name": screen} for screen in screens]), PRESETS[preset]) == []


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("hxi", [8]),
        ("posthog", [8]),
        ("mixpanel", [8]),
        ("datadog", []),
        ("newrelic", []),
        ("openreplay", []),
        ("amplitude", []),
    ],
)
def test_interleaved_elements_break_runs_where_they_must_be_the_same(preset: str, expected: list[int]) -> None:
    assert counts(every(10 * MS, [{}, PAY] * 4), PRESETS[preset]) == expected


def test_a_row_is_named_after_the_run_s_first_click() -> None:
    timeline = [*every(100 * MS, [UNNAMED, PAY, {}]), *every(100 * MS, [PAY | {"screen_name": None}] * 3)]
    nameless = RageClickRow(
        session_id=SESSION,
        element_id=None,
        screen_name="cart",
        click_count=3,
        first_click_time=datetime(2024, 1, 5, 12, 0, 0),  # noqa: DTZ001  # as the TIMESTAMP column wants it
        last_click_time=datetime(2024, 1, 5, 12, 0, 0, 200_000),  # noqa: DTZ001
        run_ordinal=0,
    )
    assert sorted(rage_clicks(timeline, HXI), key=repr) == sorted(
        [nameless, nameless._replace(element_id="pay", screen_name=None)], key=repr
    )


# 1 000 clicks, one every 100 ms: 99.9 seconds
@pytest.mark.parametrize(
    ("preset", "expected"),
    [(preset, [(1000, 0, 99_900 * MS)]) for preset in PRESETS],
    ids=list(PRESETS),
)
def test_a_run_of_a_thousand_clicks_is_one_row(preset: str, expected: list[Run]) -> None:
    timeline = every(100 * MS, [{}] * 1000)
    random.Random(3).shuffle(timeline)
    assert runs(timeline, PRESETS[preset]) == expected


def test_a_run_grows_click_by_click() -> None:
    timeline = every(100 * MS, [{}] * 6)
    grown = [runs(timeline[:number], HXI) for number in range(7)]
    assert grown == [[], [], []] + [[(number, 0, (number - 1) * 100 * MS)] for number in (3, 4, 5, 6)]


# "." is a tenth of a second without a click, "c" one with:
@pytest.mark.parametrize(
    ("timeline", "expected"),
    [
        pytest.param("c........c........c", [], id="slow: never three within a second"),
        pytest.param("c....c.....c", [], id="three within 1.1 s"),
        pytest.param("c....c....c", [(3, 0, 1.0)], id="three within a second"),
        pytest.param("ccc........c........c", [(5, 0, 2.0)], id="quick at the start"),
        pytest.param("c........c........ccc", [(5, 0, 2.0)], id="quick at the end"),
        pytest.param("c........cccc........c", [(6, 0, 2.1)], id="quick in the middle"),
        pytest.param("c....c....c....c....c....c....c", [(7, 0, 3.0)], id="longer than the window, always just so"),
        pytest.param("c.....c.....c.....c.....c", [], id="longer than the window, never enough"),
        pytest.param("ccc.........ccc", [(6, 0, 1.4)], id="a pause of exactly the gap"),
        pytest.param("ccc..........ccc", [(3, 0, 0.2), (3, 1.3, 1.5)], id="a pause too long"),
        pytest.param("cc..........ccc", [(3, 1.2, 1.4)], id="too few before the pause"),
        pytest.param("cc..........cc", [], id="too few before and after"),
    ],
)
def test_a_burst_may_be_longer_than_the_window(timeline: str, expected: list[tuple[int, float, float]]) -> None:
    tenths = [tenth for tenth, sign in enumerate(timeline) if sign == "c"]
    rows = [(count, round(first * 1e6), round(last * 1e6)) for count, first, last in expected]
    assert runs(clicks(*(tenth * 100 * MS for tenth in tenths)), HXI) == rows


# Four clicks within 1.2 s with gaps of 0.4 s: a run, but not within the window of 0.999 s.
@pytest.mark.parametrize(
    ("preset", "expected"),
    [("mixpanel", [4]), ("posthog", [4]), ("hxi", [4]), ("newrelic", []), ("amplitude", []), ("openreplay", [])],
)
def test_gaps_short_enough_do_not_make_up_for_a_window_too_long(preset: str, expected: list[int]) -> None:
    assert counts(every(400 * MS, [{}] * 4), PRESETS[preset]) == expected


@pytest.mark.parametrize("preset", list(PRESETS))
def test_clicks_of_one_instant_are_a_run_that_takes_no_time(preset: str) -> None:
    assert runs(clicks(5, 5, 5, 5), PRESETS[preset]) == [(4, 5, 5)]


# All at noon, 25 px are near and 50 are not: 0 25 50 in this order is one run.
@pytest.mark.parametrize(
    ("places", "expected"),
    [
        pytest.param([(1, 0), (2, 25), (3, 50)], [3], id="by id, near"),
        pytest.param([(1, 0), (2, 50), (3, 25)], [], id="by id, far"),
        pytest.param([(None, 25), (1, 0), (2, 25)], [3], id="without an id first, near"),
        pytest.param([(None, 50), (1, 0), (2, 25)], [], id="without an id first, far"),
        pytest.param([(None, 0), (None, 25), (None, 50)], [3], id="without ids by place"),
    ],
)
def test_clicks_of_one_instant_have_one_order_however_they_arrive(
    places: list[tuple[int | None, int]], expected: list[int]
) -> None:
    timeline = [click(0, x, event_uuid=None if number is None else numbered(number)) for number, x in places]
    assert all(counts(arrived, HXI) == expected for arrived in itertools.permutations(timeline))


def test_clicks_of_one_instant_without_ids_go_by_element_then_x_then_y_missing_first() -> None:
    by_element = [click(0, 0, **UNNAMED), click(0, 50, element_id="a"), click(0, 25, element_id="b")]
    by_y = [click(0, 0, y) for y in (0, 25, 50)]
    # nowhere 0 0 | 900: after the far one, the one nowhere would leave the others two
    without_x = [click(0, None), click(0), click(0), click(0, 900)]
    without_y = [click(0, 0, None), click(0), click(0), click(0, 0, 900)]
    for timeline, expected in ((by_element, []), (by_y, [3]), (without_x, [3]), (without_y, [3])):
        assert all(counts(arrived, HXI) == expected for arrived in itertools.permutations(timeline))


def identified(numbers: Iterable[int], after_us: int = 0, **fields: Any) -> list[Click]:
    """Return clicks of one instant, in the order of their ids."""
    return [click(after_us, event_uuid=numbered(number), **fields) for number in numbers]


A: dict[str, Any] = {"x": 0, "element_id": "a"}
B: dict[str, Any] = {"x": 500, "element_id": "b"}


@pytest.mark.parametrize(
    ("timeline", "expected"),
    [
        pytest.param(identified(range(3), **A) + identified(range(3, 6), **B), {("a", 0), ("b", 1)}, id="two"),
        pytest.param(identified(range(3, 6), **A) + identified(range(3), **B), {("b", 0), ("a", 1)}, id="by id"),
        pytest.param(
            identified(range(3), **A) + identified([3], **B) + identified(range(4, 7), **A) + identified([7], 1, **A),
            {("a", 0), ("a", 1)},
            id="a run that is no rage click between them has no number",
        ),
        pytest.param(identified(range(3), **A) + identified(range(3), 1, **B), {("a", 0), ("b", 0)}, id="instants"),
        pytest.param(
            identified(range(3), **A) + identified(range(3, 6), **B, screen_name="pay"),
            {("a", 0), ("b", 0)},
            id="screens",
        ),
        pytest.param(
            identified(range(3), **A) + identified(range(3, 6), **B, session_id=OTHER_SESSION),
            {("a", 0), ("b", 0)},
            id="sessions",
        ),
    ],
)
def test_rage_clicks_that_begin_at_one_instant_are_numbered(
    timeline: list[Click], expected: set[tuple[str, int]]
) -> None:
    for arrived in (timeline, timeline[::-1]):
        rows = rage_clicks(arrived, HXI)
        assert len(rows) == 2
        assert {(row.element_id, row.run_ordinal) for row in rows} == expected


@pytest.mark.parametrize(
    ("patterns", "element", "is_ignored"),
    [
        ((), "next", False),
        (("next",), "next", True),
        (("next",), "next-page", False),
        (("next",), "the-next", False),
        (("next*",), "next", True),
        (("next*",), "next-page", True),
        (("*-step",), "up-step", True),
        (("*-step",), "step", False),
        (("item-?",), "item-1", True),
        (("item-?",), "item-12", False),
        (("item-[0-4]",), "item-4", True),
        (("item-[0-4]",), "item-5", False),
        (("item-[!0-4]",), "item-5", True),
        (("Next",), "next", False),
        (("next",), "NEXT", False),
        (("a.c",), "abc", False),
        (("*",), "cart/items/next", True),
        (("*",), "two\nlines", True),
        (("nothing", "next"), "next", True),
        (("nothing", "none"), "next", False),
        (("*",), None, False),
        (("None",), None, False),
    ],
)
def test_ignore_patterns_are_globs_over_the_whole_element_id(
    patterns: tuple[str, ...], element: str | None, is_ignored: bool
) -> None:
    timeline = every(10 * MS, [{"element_id": element}] * 3)
    assert counts(timeline, replace(HXI, ignore_elements=patterns)) == ([] if is_ignored else [3])


# "n" is a click on the ignored element, far away; "b" one on the buy button; "." a tenth of a second without.
@pytest.mark.parametrize(
    ("timeline", "expected"),
    [
        pytest.param("bnbnb", [(3, 0, 0.4)], id="they do not break a run"),
        pytest.param("bnb", [], id="nor count in it"),
        pytest.param("nbbb", [(3, 0.1, 0.3)], id="nor begin it"),
        pytest.param("bbbn", [(3, 0, 0.2)], id="nor end it"),
        pytest.param("bbb....n....n.b", [(3, 0, 0.2)], id="nor bridge a gap"),
        pytest.param("nnnnn", [], id="nor make one"),
        pytest.param("bbb.nbbb", [(6, 0, 0.7)], id="nor split one"),
    ],
)
@pytest.mark.parametrize("same_element", [False, True])
def test_ignored_clicks_are_as_if_they_were_not_there(
    timeline: str, expected: list[tuple[int, float, float]], same_element: bool
) -> None:
    kinds: dict[str, dict[str, Any]] = {"b": {}, "n": FAR | {"element_id": "next-page"}}
    happened = [click(tenth * 100 * MS, **kinds[kind]) for tenth, kind in enumerate(timeline) if kind != "."]
    rule = replace(HXI, same_element=same_element, ignore_elements=("x*", "next-*"))
    rows = [(count, round(first * 1e6), round(last * 1e6)) for count, first, last in expected]
    assert runs(happened, rule) == rows


# Four clicks, 250 ms apart: two before the edge, one on it, one after it.
@pytest.mark.parametrize(
    ("edge", "first", "last"),
    [
        ("2024-01-05T12:00:10", "2024-01-05T12:00:09.500000", "2024-01-05T12:00:10.250000"),
        ("2024-01-05T12:01:00", "2024-01-05T12:00:59.500000", "2024-01-05T12:01:00.250000"),
        ("2024-01-05T13:00:00", "2024-01-05T12:59:59.500000", "2024-01-05T13:00:00.250000"),
        ("2024-01-06T00:00:00", "2024-01-05T23:59:59.500000", "2024-01-06T00:00:00.250000"),
        ("2024-03-01T00:00:00", "2024-02-29T23:59:59.500000", "2024-03-01T00:00:00.250000"),
        ("2018-03-25T01:00:00", "2018-03-25T00:59:59.500000", "2018-03-25T01:00:00.250000"),
        ("2017-01-01T00:00:00", "2016-12-31T23:59:59.500000", "2017-01-01T00:00:00.250000"),
        ("2038-01-19T03:14:08", "2038-01-19T03:14:07.500000", "2038-01-19T03:14:08.250000"),
    ],
    ids=["ten seconds", "minute", "hour", "day", "leap day", "summer time", "leap second in 2016", "2038"],
)
@pytest.mark.parametrize("preset", list(PRESETS))
def test_a_run_goes_on_over_every_edge_of_the_clock(edge: str, first: str, last: str, preset: str) -> None:
    edge_us = round(datetime.fromisoformat(f"{edge}+00:00").timestamp()) * 1_000_000
    times = [edge_us - 500 * MS, edge_us - 250 * MS, edge_us, edge_us + 250 * MS]
    rows = rage_clicks([click(time_us - NOON_US) for time_us in times], PRESETS[preset])
    assert [(row.click_count, row.first_click_time, row.last_click_time) for row in rows] == [
        (4, datetime.fromisoformat(first), datetime.fromisoformat(last))
    ]


def test_times_are_exact_to_the_microsecond() -> None:
    assert runs(in_seconds(0.000001, 0.333333, 0.999999), HXI) == [(3, 1, 999_999)]


def test_no_clicks_make_no_rows() -> None:
    assert rage_clicks([], HXI) == []
    assert rage_clicks(iter([click()]), HXI) == []


# Two sessions with 40 runs each of 1 to 6 clicks, two seconds between them, arriving in any order.
@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_arrival_changes_nothing(seed: int) -> None:
    sizes = [1 + number % 6 for number in range(40)]
    owners: list[UUID] = [SESSION, OTHER_SESSION]
    timeline = [
        click(number * 2_600_000 + step * 100 * MS, session_id=owner)
        for owner in owners
        for number, size in enumerate(sizes)
        for step in range(size)
    ]
    random.Random(seed).shuffle(timeline)
    rows = rage_clicks(timeline, HXI)
    for owner in owners:
        mine = sorted((row.first_click_time, row.click_count) for row in rows if row.session_id == owner)
        assert [count for _, count in mine] == [3, 4, 5, 6] * 6 + [3, 4]
