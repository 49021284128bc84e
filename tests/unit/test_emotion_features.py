"""What windows say of how a person acts, worked out by hand; so checked is the reference that properties rely on."""

import math
from typing import Any

import numpy as np
import pytest

from pipeline.emotions import TimelineEvent, columns_of
from pipeline.emotions.features import Remembered, remembered
from pipeline.emotions.measures import FEATURES, MEASURES, RATIOS
from pipeline.emotions.sums import NAMES
from tests import emotion_reference as reference
from tests.builders import OTHER_SESSION
from tests.emotion_reference import happened

ROW = (*NAMES, "seconds", "empty")

Events = list[TimelineEvent]


def last_row(events: Events) -> Remembered:
    """Return what is remembered at the last window, and see that the reference says the same."""
    rows = remembered(columns_of(events)).rows[-1:]
    expected = reference.remembered_of(events)
    assert dict(zip(ROW, rows[0].tolist(), strict=True)) == pytest.approx(expected[max(expected)], rel=1e-9, abs=1e-7)
    return Remembered(rows)


def counts(events: Events) -> dict[str, float]:
    return dict(zip(ROW, last_row(events).rows[0].tolist(), strict=True))


def features(events: Events) -> dict[str, float | None]:
    """Return the features of the last window in their units, None where there was nothing to measure."""
    values = last_row(events).values()[0].tolist()
    return {name: None if math.isnan(value) else value for name, value in zip(FEATURES, values, strict=True)}


def click(seconds: float, x: int | None = 0, **fields: Any) -> TimelineEvent:
    return happened(seconds, x=x, y=0, **fields)


def view(seconds: float, screen: str | None = "/a") -> TimelineEvent:
    return happened(seconds, "page_view", screen_name=screen)


def typed(seconds: float) -> TimelineEvent:
    return happened(seconds, "input")


def error(seconds: float) -> TimelineEvent:
    return happened(seconds, "error")


def call(seconds: float, latency_ms: int | None = 100, status: int | None = 200) -> TimelineEvent:
    return happened(seconds, "api_call", latency_ms=latency_ms, status_code=status)


def scroll(seconds: float, position: int | None = 0) -> TimelineEvent:
    return happened(seconds, "scroll", scroll_position=position)


def move(seconds: float, x: int | None = 0, y: int | None = 0, **fields: Any) -> TimelineEvent:
    return happened(seconds, "mouse_move", x=x, y=y, **fields)


def way(*places: tuple[int, int], begin: float = 0, every: float = 0.1) -> Events:
    """Return samples of the pointer at these places."""
    return [move(begin + n * every, x, y) for n, (x, y) in enumerate(places)]


def steps(*px: int) -> Events:
    """Return samples of a pointer that goes so many pixels to the right every 100 ms."""
    return way(*((sum(px[:n]), 0) for n in range(len(px) + 1)))


# A straight way of seven steps, 70 px in 100 ms each; 490 px are log2(490 / 70 + 1) = 3 bits.
#
#   ms  0   100  200  300  400  500  600  700
#   px  0    70  140  210  280  350  420  490
STRAIGHT = steps(*[70] * 7)


def test_a_straight_and_even_way_measures_as_such() -> None:
    found = features(STRAIGHT)
    assert found["path_ratio"] == pytest.approx(1.0)
    assert found["path_bow"] == pytest.approx(0.0, abs=1e-9)
    assert found["path_tremor"] == pytest.approx(0.0, abs=1e-9)
    # 700 ms and nine tenths of a beat before the first sample, over 160 + 150 · 3 ms
    assert found["slowness"] == pytest.approx(790 / 610)
    assert found["pointer_speed"] == pytest.approx(490 / 0.79)
    assert found["speed_spread"] == pytest.approx(0.0, abs=1e-6)
    assert found["acceleration_spread"] == pytest.approx(0.0, abs=1e-6)
    assert found["turns"] == 0.0


MEASURED = [
    #  0,0 ── 50 px ── 30,40 ── 50 px ── 60,0
    ("path_ratio", way((0, 0), (30, 40), (60, 0)), 100 / 60),
    # the arc 2u(1-u) is 100 px high in the middle of 200 px; 50 px were seen, and 5 px flat once
    ("path_bow", way((0, 0), (100, 50), (200, 0)), 50 * 100 / (100**2 + 25)),
    ("path_bow", way((0, 0), (100, -50), (200, 0)), 50 * 100 / (100**2 + 25)),
    # 15 px to one side and to the other of an arc that is none
    ("path_tremor", way((0, 0), (100, 15), (200, -15), (300, 0)), math.sqrt(2 * 15**2)),
    ("slowness", way((0, 0), (70, 70)), (100 + 90) / (160 + 150 * math.log2(3))),
    ("pointer_speed", way((0, 0), (30, 40), (60, 0)), 100 / (0.2 + 0.09)),
    # px/ms 1, 2, 3: the mean is 2, the variance 2/3
    ("speed_spread", steps(100, 200, 300), math.sqrt(2 / 3) / (2 + 1e-6)),
    # px/ms 1, 3, 2: +0.02 and -0.01 px/ms², so 0.015 to both sides of the mean
    ("acceleration_spread", steps(100, 300, 200), 0.015 / (600 / 390**2)),
    # x goes on, y turns at both inner samples
    ("turns", way((0, 0), (100, 20), (200, -20), (300, 20)), 1.0),
    # x and y turn at both
    ("turns", way((0, 0), (100, 100), (50, 50), (200, 200)), 2.0),
    ("settle", [move(0), click(0.3)], 300.0),
    ("pause_after_view", [view(0), click(2)], 2_000.0),
    # what happens to a person ends no pause and begins none
    ("pause_after_view", [view(0), call(1), error(1.5), click(2)], 2_000.0),
    ("pause_after_view", [happened(0, "session_start"), click(2)], 2_000.0),
    ("pause", [click(0), view(2)], 2_000.0),
    ("pause", [move(0), click(2)], 2_000.0),
    ("pause", [scroll(0), click(2)], 2_000.0),
    ("pause", [typed(0), error(1), happened(2, "else")], 2_000.0),
    ("scroll_beat", [scroll(0), scroll(0.1), scroll(0.2)], 100.0),
    ("scroll_step", [scroll(0, 500), scroll(0.1, 400)], 100.0),
    # the mean is of logarithms: √(101 · 201) - 1
    ("scroll_step", [scroll(0, 0), scroll(0.1, 100), scroll(0.2, 300)], math.sqrt(101 * 201) - 1),
    ("key_beat", [typed(0), typed(0.25)], 250.0),
]


@pytest.mark.parametrize(("name", "events", "expected"), MEASURED)
def test_a_measure_is_what_was_worked_out_by_hand(name: str, events: Events, expected: float) -> None:
    assert features(events)[name] == pytest.approx(expected)


def hover(seconds: float, element: str | None = "e", screen: str | None = "/a") -> TimelineEvent:
    return move(seconds, element_id=element, screen_name=screen)


COUNTED = [
    # nothing comes of the first, a view of the second
    ("dead_clicks", [click(0), click(10), view(11)], 1 / 2),
    ("double_clicks", [click(0), click(0.5), click(10)], 1 / 2),
    ("rage_bursts", [click(0), click(0.5), click(1), click(10)], 1 / 2),
    ("rage_bursts", [click(0), click(0.5), click(1), click(1.5), click(2)], 1 / 1),
    ("rage_bursts", [click(0), click(0.5)], 0.0),
    ("repeated_clicks", [click(0), click(0.5), click(1)], 2 / 3),
    ("errors_after_click", [click(0), error(1), click(10), error(20)], 1 / 2),
    ("familiar_clicks", [hover(0), click(3, element_id="e", screen_name="/b"), click(6, element_id="f")], 1 / 2),
    ("familiar_clicks", [hover(0), click(3, element_id="e", screen_name="/a")], 0.0),
    ("familiar_clicks", [click(0, element_id="e"), click(3, element_id="e", screen_name="/a")], 1 / 2),
    # three runs, of which the last is one sample and ends in a click
    ("strokes_per_click", [*steps(50, 50), *way((0, 0), (50, 0), begin=3), move(6), click(6.1)], 2 / 1),
    ("clicking_runs", [*steps(50, 50), *way((0, 0), (50, 0), begin=3), move(6), click(6.1)], 1 / 3),
    ("hovering", [hover(0), hover(1), hover(2, None), hover(3, None)], 1 / 2),
    # down, up, up: one turn in one scroll
    ("scroll_reversals", [scroll(0, 0), scroll(0.1, 200), scroll(0.2, 100), scroll(0.3, 50)], 1 / 1),
    # two scrolls, a second apart
    ("scroll_reversals", [scroll(0, 0), scroll(0.1, 200), scroll(1.1, 100)], 1 / 2),
    ("revisits", [view(0, "/a"), view(1, "/b"), view(2, "/c"), view(3, "/a")], 1 / 4),
    ("revisits", [view(0, "/a"), view(1, "/a")], 1 / 2),
    ("turning_back", [view(0, "/a"), view(1, "/b"), view(2, "/a")], 1 / 3),
    ("turning_back", [view(0, "/a"), view(1, "/b"), view(2, "/c"), view(3, "/a")], 0.0),
    ("turning_back", [view(0, "/a"), view(1, "/a"), view(2, "/a")], 0.0),
    # the first view cannot be asked for
    ("unasked_views", [view(0), view(1), click(2), view(3)], 1 / 3),
    ("idling", [view(0), click(25)], 1 / 1),
    # windows at 0 and 90 s, none at 30 and 60 s
    ("empty_windows", [view(0), view(100)], 2 / 2),
    ("empty_windows", [view(0), view(40)], 0.0),
    ("slow_calls", [view(0), view(1), call(2, 500), call(3, 501), call(4, 2**31 - 1)], 2 / 2),
    ("failed_calls", [view(0), call(0, status=0), call(1, status=499), call(2, status=500), call(3)], 2 / 1),
    ("refused_calls", [view(0), *(call(n, status=each) for n, each in enumerate([0, 399, 400, 499, 500]))], 2 / 1),
    ("errors", [view(0), view(1), error(2)], 1 / 2),
    ("clicks_per_view", [view(0), view(1), click(2), click(2.5), click(9)], 2 / 2),
    ("scrolls_per_view", [view(0), scroll(1), scroll(1.1), scroll(5)], 2 / 1),
    # from 0 to 9 s, and a second so that no time is 0
    ("click_rate", [click(0), click(9)], 2 / 10),
    ("view_rate", [view(0), view(1), view(9)], 3 / 10),
    ("input_rate", [view(0), typed(9)], 1 / 10),
    ("event_rate", [happened(0, "session_start"), view(3), click(9), call(12), error(13)], 3 / 10),
    ("move_rate", [move(0), move(1, None, None), move(9)], 3 / 10),
    # from 29 to 31 s, over two windows
    ("click_rate", [click(29), click(31)], 2 / 3),
]


@pytest.mark.parametrize(("name", "events", "expected"), COUNTED)
def test_a_ratio_is_what_was_counted_by_hand(name: str, events: Events, expected: float) -> None:
    assert features(events)[name] == pytest.approx(expected)


def test_every_feature_has_a_case_worked_out_by_hand() -> None:
    assert {name for name, _, _ in MEASURED} == set(MEASURES)
    assert {name for name, _, _ in COUNTED} == set(RATIOS)


def test_what_was_not_there_to_measure_has_no_value() -> None:
    found = features([happened(0, "session_start")])
    assert {name for name, value in found.items() if value is not None} == {
        name for name, ratio in RATIOS.items() if ratio.of == "seconds"
    }


US = 1e-6


@pytest.mark.parametrize(
    ("gap", "pauses", "idles"),
    [
        (1.2 - US, 0, 0),
        (1.2, 0, 0),
        (1.2 + US, 1, 0),
        (20 - US, 1, 0),
        (20, 0, 1),
        (20 + US, 0, 1),
    ],
)
def test_a_pause_is_longer_than_a_beat_and_shorter_than_idling(gap: float, pauses: int, idles: int) -> None:
    after_deed, after_view = counts([click(0), move(gap)]), counts([view(0), move(gap)])
    assert (after_deed["pause:number"], after_deed["pause_after_view:number"], after_deed["idles"]) == (
        pauses,
        0,
        idles,
    )
    assert (after_view["pause:number"], after_view["pause_after_view:number"], after_view["idles"]) == (
        0,
        pauses,
        idles,
    )


@pytest.mark.parametrize(("before", "idles"), [(30 - US, 0), (30, 1), (30 + US, 1)])
def test_what_is_more_than_two_minutes_before_the_window_was_never(before: float, idles: int) -> None:
    # | 0 ... 30 |  four windows  | 150 · click at 179 |
    assert counts([click(before), click(179)])["idles"] == idles


@pytest.mark.parametrize(("gap", "runs", "strokes"), [(0.42 - US, 1, 1), (0.42, 1, 1), (0.42 + US, 2, 0)])
def test_a_run_of_the_pointer_ends_when_it_is_still(gap: float, runs: int, strokes: int) -> None:
    found = counts([move(0), move(gap, 100)])
    assert (found["runs"], found["strokes"]) == (runs, strokes)


@pytest.mark.parametrize(
    ("between", "runs"),
    [
        (click(0.1), 2),
        (scroll(0.1), 2),
        (view(0.1), 2),
        (typed(0.1), 1),
        (call(0.1), 1),
        (error(0.1), 1),
        (move(0.1, None), 1),
        (move(0.1, 50, None), 1),
    ],
)
def test_a_run_is_cut_by_what_the_hand_or_the_screen_does(between: TimelineEvent, runs: int) -> None:
    assert counts([move(0), between, move(0.2, 100)])["runs"] == runs


def test_a_run_ends_with_its_window() -> None:
    assert counts([move(29.9), move(30.0 - US, 50), move(30.1, 100)])["runs"] == 2


@pytest.mark.parametrize(
    ("slow", "strokes"),
    [((29, 29), 2), ((30, 30), 1), ((31, 31), 1), ((29, 30), 1), ((30, 29), 1), ((29,), 1), ((9, 9, 9, 9), 2)],
)
def test_a_stroke_ends_where_the_pointer_nearly_stops(slow: tuple[int, ...], strokes: int) -> None:
    """Near is below 0.3 of the fastest, here 100 px a step, in both steps around the sample."""
    found = counts(steps(100, 100, *slow, 100, 100))
    assert (found["runs"], found["strokes"]) == (1, strokes)


def test_the_fastest_of_the_whole_run_tells_what_is_slow() -> None:
    # px/100 ms:  1000 · 10 | 10 · 250 · 250 · 250 | 250 · 1000: beside 1000, even 250 is slow
    assert counts(steps(1000, 10, 10, 250, 250, 250, 1000))["strokes"] == 2
    assert counts(steps(1000, 10, 10, 400, 250, 250, 1000))["strokes"] == 3


def test_the_speed_of_another_run_does_not_count() -> None:
    # px/100 ms:  100 · 20 · 20 | 3 s | 100
    found = counts([*steps(100, 20, 20), *way((0, 0), (100, 0), begin=3)])
    assert (found["runs"], found["strokes"]) == (2, 2)


@pytest.mark.parametrize(("px", "number"), [(29, 0), (30, 1), (31, 1)])
def test_a_short_stroke_measures_nothing(px: int, number: int) -> None:
    for found in (counts(steps(px)), counts(way((0, 0), (0, px)))):
        assert found["strokes"] == 1
        assert found["path_ratio:number"] == found["slowness:number"] == found["pointer_speed:number"] == number


@pytest.mark.parametrize(("px", "number"), [(19, 0), (20, 0), (21, 1)])
def test_an_arc_is_measured_where_it_could_have_been_seen(px: int, number: int) -> None:
    """In the middle of twice so many pixels, the arc 2u(1-u) is just so high."""
    assert counts(steps(px, px))["path_bow:number"] == number


@pytest.mark.parametrize(("number_of_steps", "tremor", "rhythm"), [(1, 0, 0), (2, 0, 0), (3, 1, 1), (4, 1, 1)])
def test_steadiness_is_measured_of_strokes_with_samples_enough(number_of_steps: int, tremor: int, rhythm: int) -> None:
    found = counts(steps(*[100] * number_of_steps))
    assert found["path_tremor:number"] == tremor
    assert {found[f"{name}:number"] for name in ("speed_spread", "acceleration_spread", "turns")} == {rhythm}


@pytest.mark.parametrize(("rest", "px"), [(30 - US, 100), (30, 100), (30 + US, 50)])
def test_a_stroke_sets_out_from_where_the_pointer_rested(rest: float, px: int) -> None:
    # 0,0 ··· rest ··· 30,40 ── 100 ms ── 60,80: duration 190 ms, with or without the first 50 px
    found = features([move(1), *way((30, 40), (60, 80), begin=1 + rest)])
    assert found["pointer_speed"] == pytest.approx(px / 0.19)


@pytest.mark.parametrize(
    ("between", "px"),
    [(view(1), 50), (scroll(1), 50), (click(1), 100), (typed(1), 100), (call(1), 100), (move(1, None), 100)],
)
def test_a_stroke_does_not_set_out_from_another_view(between: TimelineEvent, px: int) -> None:
    found = features([move(0), between, *way((30, 40), (60, 80), begin=2)])
    assert found["pointer_speed"] == pytest.approx(px / 0.19)


@pytest.mark.parametrize(("gap", "clicking"), [(0.0, 1), (0.42 - US, 1), (0.42, 1), (0.42 + US, 0)])
def test_a_run_ends_in_a_click_that_comes_soon(gap: float, clicking: int) -> None:
    # of one instant, what has no id is first
    found = counts([move(1), click(1 + gap, event_uuid=OTHER_SESSION)])
    assert (found["runs_to_click"], found["settle:number"]) == (clicking, clicking)


@pytest.mark.parametrize(("between", "clicking"), [(view(0.1), 0), (scroll(0.1), 0), (typed(0.1), 1), (call(0.1), 1)])
def test_a_run_does_not_end_in_a_click_after_something_else(between: TimelineEvent, clicking: int) -> None:
    assert counts([move(0), between, click(0.2)])["runs_to_click"] == clicking


def test_a_run_ends_in_one_click_only_and_in_none_of_the_next_window() -> None:
    assert counts([move(0), click(0.1), click(0.2, 500)])["runs_to_click"] == 1
    assert counts([move(29.9), click(30)])["runs_to_click"] == 0


@pytest.mark.parametrize(
    ("gap", "beats", "scrolls"), [(0.0, 0, 2), (US, 1, 1), (0.42 - US, 1, 1), (0.42, 1, 1), (0.42 + US, 0, 2)]
)
def test_a_scroll_goes_on_while_its_events_come_in_one_beat(gap: float, beats: int, scrolls: int) -> None:
    found = counts([scroll(0), scroll(gap, 100)])
    assert (found["scroll_beat:number"], found["scrolls"]) == (beats, scrolls)


@pytest.mark.parametrize(
    ("between", "beats", "known_steps"), [(click(0.1), 0, 1), (view(0.1), 0, 0), (move(0.1), 1, 1), (typed(0.1), 1, 1)]
)
def test_a_scroll_ends_with_a_click_and_begins_anew_on_a_view(
    between: TimelineEvent, beats: int, known_steps: int
) -> None:
    found = counts([scroll(0), between, scroll(0.2, 100)])
    assert (found["scroll_beat:number"], found["scroll_step:number"]) == (beats, known_steps)


@pytest.mark.parametrize(("gap", "number"), [(20 - US, 1), (20, 0), (20 + US, 0)])
def test_how_far_a_scroll_goes_is_known_for_a_while(gap: float, number: int) -> None:
    assert counts([scroll(0), scroll(gap, 100)])["scroll_step:number"] == number


@pytest.mark.parametrize(("a", "b", "number"), [(None, 100, 0), (100, None, 0), (100, 100, 0), (100, 101, 1)])
def test_a_scroll_that_goes_nowhere_or_nobody_knows_where_has_no_length(
    a: int | None, b: int | None, number: int
) -> None:
    assert counts([scroll(0, a), scroll(0.1, b)])["scroll_step:number"] == number


def test_a_scroll_that_stands_between_two_ways_does_not_turn() -> None:
    assert counts([scroll(0, 0), scroll(0.1, 100), scroll(0.2, 100), scroll(0.3, 0)])["reversals"] == 0


@pytest.mark.parametrize(("gap", "number"), [(0.0, 0), (US, 1), (3 - US, 1), (3, 0), (3 + US, 0)])
def test_inputs_are_of_one_text_while_they_come_soon(gap: float, number: int) -> None:
    assert counts([typed(0), typed(gap)])["key_beat:number"] == number


def test_inputs_with_something_between_have_no_beat() -> None:
    assert counts([typed(0), move(0.1), typed(0.2)])["key_beat:number"] == 0
    assert counts([typed(0), call(0.1), error(0.1), typed(0.2)])["key_beat:number"] == 1


@pytest.mark.parametrize(("gap", "repeats"), [(0.0, 1), (1 - US, 1), (1, 1), (1 + US, 0)])
def test_a_click_repeats_one_of_the_last_second(gap: float, repeats: int) -> None:
    found = counts([click(0), click(gap)])
    assert (found["repeats"], found["doubles"], found["tries"]) == (repeats, repeats, 2 - repeats)


@pytest.mark.parametrize(("x", "repeats"), [(29, 1), (30, 1), (31, 0), (None, 0)])
def test_a_click_repeats_one_at_the_same_place(x: int | None, repeats: int) -> None:
    assert counts([click(0), click(0.5, x)])["repeats"] == repeats
    assert counts([click(0, x), click(0.5)])["repeats"] == repeats


@pytest.mark.parametrize(("a", "b", "repeats"), [("e", "e", 1), ("e", "f", 0), (None, None, 0), ("", "", 0)])
def test_a_click_repeats_one_on_the_same_element_wherever(a: str | None, b: str | None, repeats: int) -> None:
    assert counts([click(0, None, element_id=a), click(0.5, 900, element_id=b)])["repeats"] == repeats


@pytest.mark.parametrize(("clicks", "doubles", "bursts"), [(1, 0, 0), (2, 1, 0), (3, 1, 1), (4, 1, 1), (7, 1, 1)])
def test_a_burst_is_one_try_one_double_and_one_burst(clicks: int, doubles: int, bursts: int) -> None:
    found = counts([click(n * 0.5) for n in range(clicks)])
    assert (found["tries"], found["doubles"], found["bursts"], found["repeats"]) == (1, doubles, bursts, clicks - 1)


@pytest.mark.parametrize(("gap", "dead"), [(0.0, 0), (2.5 - US, 0), (2.5, 0), (2.5 + US, 1)])
def test_a_click_is_dead_when_nothing_follows_in_time(gap: float, dead: int) -> None:
    for effect in (view(gap), typed(gap), call(gap, latency_ms=0)):
        assert counts([click(0), effect])["dead"] == dead
    for nothing in (click(gap, 500), move(gap), scroll(gap), error(gap), happened(gap, "else")):
        assert counts([click(0), nothing])["dead"] >= 1


@pytest.mark.parametrize(
    ("answered", "latency_ms", "dead"),
    [
        (2.6, 100, 0),  # began at 2.5 s
        (2.6, 99, 1),
        (3, 500, 0),
        (3, 501, 1),  # slow: no effect that its person would wait for
        (0.4, 400, 0),  # began with the click
        (0.4, 401, 1),  # began before
        (1, None, 1),
    ],
)
def test_a_call_is_the_effect_of_a_click_when_it_begins(answered: float, latency_ms: int | None, dead: int) -> None:
    assert counts([click(0), call(answered, latency_ms)])["dead"] == dead


@pytest.mark.parametrize(("status", "dead"), [(0, 1), (1, 0), (200, 0), (404, 0), (499, 0), (500, 1), (None, 1)])
def test_a_call_that_fails_is_no_effect(status: int | None, dead: int) -> None:
    assert counts([click(0), call(1, status=status)])["dead"] == dead


# | act · | call, error: nobody acts | act |
def test_calls_and_errors_make_no_window() -> None:
    found = counts([view(0), call(40), error(41), view(70)])
    assert (found["errors"], found["slow_calls"], found["acts"], found["empty"]) == (0, 0, 2, 1)
    assert found["seconds"] == pytest.approx(71)


@pytest.mark.parametrize(("gap", "number"), [(2 - US, 1), (2, 1), (2 + US, 0)])
def test_an_error_is_of_a_click_for_two_seconds(gap: float, number: int) -> None:
    found = counts([click(0), error(gap)])
    assert (found["errors_after_click"], found["errors"]) == (number, 1)


@pytest.mark.parametrize(("gap", "unasked"), [(5 - US, 0), (5, 0), (5 + US, 1)])
def test_a_view_is_asked_for_by_a_click_of_the_last_five_seconds(gap: float, unasked: int) -> None:
    assert counts([view(0), click(1), view(1 + gap)])["unasked"] == unasked


# | 0 ... 30 |  four windows  | 150 · 160 |
@pytest.mark.parametrize(("before", "number"), [(30 - US, 0), (30, 1), (30 + US, 1)])
def test_screens_and_elements_are_known_for_two_minutes_before_the_window(before: float, number: int) -> None:
    back = [view(before, "/a"), view(155, "/b"), view(160, "/a")]
    elsewhere = [hover(before), click(160, element_id="e", screen_name="/b")]
    assert (counts(back)["revisits"], counts(back)["backs"]) == (number, number)
    assert counts(elsewhere)["familiar"] == number


def test_views_without_a_screen_are_of_one_screen() -> None:
    assert counts([view(0, None), view(1, "/a"), view(2, None)])["revisits"] == 1


def test_what_another_session_does_says_nothing_of_this_one() -> None:
    events = [click(0), click(0.5, session_id=OTHER_SESSION), view(1, "/a")._replace(session_id=OTHER_SESSION)]
    mine, others = remembered(columns_of(events)).rows
    assert mine.tolist() == list(counts(events[:1]).values())
    assert others.tolist() == list(counts(events[1:]).values())


@pytest.mark.parametrize(("windows_later", "clicks", "empty"), [(8, 2, 7), (9, 2, 8), (10, 1, 0)])
def test_ten_windows_are_remembered(windows_later: int, clicks: int, empty: int) -> None:
    # | 29 s | so many windows later | 1 s after its begin |
    found = counts([click(29), click(30 * windows_later + 1)])
    assert (found["clicks"], found["empty"]) == (clicks, empty)
    assert found["seconds"] == pytest.approx(30 * windows_later - 28 + 1 if clicks == 2 else 1.0)


def test_seconds_and_empty_windows_are_counted_from_the_first_window_remembered() -> None:
    # windows 0 · 1 · 3 · 9 and 10, which no longer knows of 0
    found = counts([click(0), click(31), click(95), click(271), click(302)])
    assert (found["clicks"], found["empty"]) == (4, 6)
    assert found["seconds"] == pytest.approx(302 - 31 + 1)


def row_of(**said: float) -> Remembered:
    """Return a window that says this and nothing else."""
    names = {name.replace(":", "_"): place for place, name in enumerate(ROW)}
    rows = np.zeros((1, len(ROW)))
    rows[0, [names[name] for name in said]] = list(said.values())
    return Remembered(rows)


AVERAGE = np.concatenate([np.full(len(MEASURES), 2.0), np.full(len(RATIOS), 0.5)])


def against_average(memory: Remembered) -> dict[str, float]:
    return dict(zip(FEATURES, memory.features(AVERAGE)[0].tolist(), strict=True))


def test_a_window_without_evidence_is_that_of_an_average_person() -> None:
    assert set(against_average(row_of()).values()) == {0.0}


def test_little_evidence_is_drawn_to_the_average_person() -> None:
    # pause: 2 measured, 7 in sum where 4 were to be expected; 3 more as expected: 3 / 5
    # dead: 1 of 1, and 1 of 2 of an average person: 2 where 1.5 were to be expected
    found = against_average(row_of(pause_number=2, pause_sum=7, dead=1, tries=1))
    assert found["pause"] == pytest.approx(3 / 5)
    assert found["dead_clicks"] == pytest.approx(math.log(2 / 1.5))
    assert found["settle"] == 0.0


def test_the_average_person_is_the_mean_over_all_windows() -> None:
    windows = [
        row_of(pause_number=1, pause_sum=6, dead=1, tries=2),
        row_of(pause_number=3, pause_sum=6, tries=2),
    ]
    average = Remembered(np.concatenate([each.rows for each in windows])).average()
    found = dict(zip(FEATURES, average.tolist(), strict=True))
    assert found["pause"] == pytest.approx(12 / 4)
    assert found["dead_clicks"] == pytest.approx((1 + 1) / (4 + 1))
    assert found["settle"] == 0.0
    assert found["failed_calls"] == 1.0
