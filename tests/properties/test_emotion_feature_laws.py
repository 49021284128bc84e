"""What windows say is what plain loops say of them, whatever the order, the company and how much was read."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import accumulate, islice
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.emotions import TYPES, TimelineEvent, columns_of, default_model, judged_from, predictions, read_from
from pipeline.emotions.behaviour import sums_of
from pipeline.emotions.features import remembered
from pipeline.emotions.measures import FEATURES
from pipeline.emotions.sums import NAMES
from pipeline.moments import microseconds
from pipeline.simulation import Traffic, arrivals
from pipeline.training.worlds import ALL_MOODS, START_MS, timeline_of
from schema.emotion_model import EMOTIONS
from schema.rows import EmotionRow
from tests import emotion_reference as reference
from tests.builders import OTHER_SESSION, SESSION, at, numbered
from tests.emotion_reference import happened

MODEL = default_model()
SESSIONS = (SESSION, OTHER_SESSION, numbered(0))
ALWAYS = dict.fromkeys(SESSIONS, 0)
EXAMPLES = settings(max_examples=100)

WINDOW_US = 30_000_000
THRESHOLDS_MS = (420, 1_000, 1_200, 2_000, 2_500, 3_000, 5_000, 7_500, 10_000, 20_000, 30_000, 90_000, 120_000, 300_000)

GAPS_US = st.one_of(
    st.sampled_from([0, 1, 40_000, 150_000, 250_000, 800_000]),
    st.builds(lambda ms, us: ms * 1_000 + us, st.sampled_from(THRESHOLDS_MS[:8]), st.integers(-1, 1)),
    st.builds(lambda ms, us: ms * 1_000 + us, st.sampled_from(THRESHOLDS_MS), st.integers(-1, 1)),
    st.integers(0, 3_000).map(lambda ms: ms * 1_000),
)
PLACES = st.none() | st.sampled_from([0, 29, 30, 31, 200, 230]) | st.integers(-50, 2_000)
NEAR = st.sampled_from([0, 21, 30, 31])

Steps = list[tuple[int, dict[str, Any]]]
"""Events' fields, each so many microseconds after the one before."""


def fields_of(event_type: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return what an event of this type may have."""
    fields: dict[str, st.SearchStrategy[Any]] = {
        "event_type": st.just(event_type),
        "event_uuid": st.none() | st.integers(0, 10**6).map(numbered),
        "screen_name": st.sampled_from(["/a", "/a", "/b", "/c", None, ""]),
    }
    if event_type in ("click", "mouse_move"):
        fields |= {"x": PLACES, "y": PLACES, "element_id": st.sampled_from(["e", "f", None, ""])}
    if event_type == "scroll":
        fields["scroll_position"] = st.none() | st.sampled_from([0, 100, 101]) | st.integers(0, 4_000)
    if event_type == "api_call":
        latency_ms = st.sampled_from([0, 200, 499, 500, 501, 2_500, 90_000]) | st.integers(0, 9_000)
        fields["latency_ms"] = st.none() | latency_ms
        fields["status_code"] = st.none() | st.sampled_from([0, 200, 399, 400, 499, 500, 503])
    return st.fixed_dictionaries(fields)


ONE = st.sampled_from([*TYPES, *TYPES, "session_start"]).flatmap(fields_of)
ONES: st.SearchStrategy[Steps] = st.tuples(GAPS_US, ONE).map(lambda step: [step])


@st.composite
def series(draw: st.DrawFn) -> Steps:
    """Return events of one kind in a row: a scroll there and back, a text that is typed, a way through screens."""
    event_type = draw(st.sampled_from(["scroll", "scroll", "input", "page_view", "api_call"]))
    if event_type == "scroll":
        one = st.sampled_from([0, 100, 200, 350, None]).map(lambda to: {"event_type": "scroll", "scroll_position": to})
    else:
        one = fields_of(event_type)
    return draw(st.lists(st.tuples(GAPS_US, one), min_size=2, max_size=6))


@st.composite
def bursts(draw: st.DrawFn) -> Steps:
    """Return clicks at or around one place in quick succession."""
    gaps_us = draw(st.lists(st.sampled_from([0, 200_000, 999_999, 1_000_000, 1_000_001]), min_size=2, max_size=5))
    click = {"event_type": "click", "screen_name": "/a", "element_id": draw(st.sampled_from(["e", None])), "y": 0}
    return [(gap_us, click | {"x": draw(NEAR)}) for gap_us in gaps_us]


@st.composite
def strokes(draw: st.DrawFn) -> Steps:
    """Return a way of the pointer that is fast, then slow, then fast again, and maybe ends in a click."""
    x, y = draw(st.integers(0, 500)), draw(st.integers(0, 500))
    shift = st.sampled_from([0, 3, 30, 100, -20]) | st.integers(-120, 200)
    way = draw(st.lists(st.tuples(shift, shift), min_size=1, max_size=9))
    beats_us = st.sampled_from([0, 500, 100_000, 100_000, 250_000, 420_000, 420_001])
    name = draw(st.sampled_from(["e", None]))
    steps: Steps = []
    for dx, dy in way:
        x, y = x + dx, y + dy
        move = {"event_type": "mouse_move", "screen_name": "/a", "x": x, "y": y, "element_id": name}
        steps.append((draw(beats_us), move))
    if draw(st.booleans()):
        steps.append((draw(beats_us), {"event_type": "click", "screen_name": "/a", "x": x, "y": y, "element_id": name}))
    return steps


def _events(session_id: UUID, begin_us: int, parts: list[Steps]) -> list[TimelineEvent]:
    steps = [step for part in parts for step in part]
    times_us = accumulate((gap_us for gap_us, _ in steps), initial=begin_us)
    next(times_us)
    nothing: dict[str, Any] = dict.fromkeys(TimelineEvent._fields)
    return [
        TimelineEvent(**(nothing | {"session_id": session_id, "time_us": time_us} | fields))
        for time_us, (_, fields) in zip(times_us, steps, strict=True)
    ]


def session(session_id: UUID) -> st.SearchStrategy[list[TimelineEvent]]:
    """Return a session that begins at the edge of a window or a little off it."""
    begins_us = st.sampled_from([at(0), at(30) - 1, at(29.9), at(25), at(300)]) | st.integers(at(0), at(60))
    return st.builds(
        _events,
        st.just(session_id),
        begins_us,
        st.lists(ONES | ONES | series() | bursts() | strokes(), min_size=1, max_size=14),
    )


def numbered_rows(events: Sequence[TimelineEvent]) -> list[TimelineEvent]:
    """Return events with the numbers of their rows; API calls are in another table."""
    return [
        event if event.event_type == "api_call" else event._replace(event_id=number)
        for number, event in enumerate(events)
    ]


TIMELINES = st.builds(
    lambda first, *others: numbered_rows([*first, *(event for other in others for event in other or ())]),
    session(SESSIONS[0]),
    *(st.none() | session(each) for each in SESSIONS[1:]),
)


@cache
def simulated() -> tuple[tuple[TimelineEvent, ...], ...]:
    """Return some sessions of simulated people in all moods."""
    people = islice(arrivals(Traffic(moods=ALL_MOODS), seed=8, start_ms=START_MS), 30)
    return tuple(tuple(timeline_of(person, 8)) for person in people)


def by_session(events: Sequence[TimelineEvent]) -> Mapping[UUID, list[TimelineEvent]]:
    sessions: defaultdict[UUID, list[TimelineEvent]] = defaultdict(list)
    for event in events:
        sessions[event.session_id].append(event)
    return sessions


Cell = tuple[UUID, int, str]

CANCELLING = ("path_tremor:sum", "speed_spread:sum", "acceleration_spread:sum")
"""The roots of differences that may be next to 0: the product forms them from sums of squares."""


def differing(found: Mapping[Cell, float], expected: Mapping[Cell, float]) -> dict[Cell, tuple[float, float]]:
    """Return the cells that are not the same but for rounding."""
    assert found.keys() == expected.keys()
    tolerance = {cell: 1e-6 if cell[2] in CANCELLING else 1e-9 for cell in found}
    return {
        cell: (value, expected[cell])
        for cell, value in found.items()
        if not abs(value - expected[cell]) <= max(1e-9 * abs(value), tolerance[cell])
    }


def assert_as_the_reference_says(events: Sequence[TimelineEvent]) -> None:
    columns = columns_of(events)
    windows = [
        (columns.session_ids[place], start_us)
        for place, start_us in zip(columns.window_session.tolist(), columns.window_us.tolist(), strict=True)
    ]
    for names, rows, work_out in (
        (NAMES, sums_of(columns), reference.sums_of),
        ((*NAMES, "seconds", "empty"), remembered(columns).rows, reference.remembered_of),
    ):
        found = {
            (*window, name): value
            for window, row in zip(windows, rows.tolist(), strict=True)
            for name, value in zip(names, row, strict=True)
        }
        expected = {
            (session_id, start_us, name): value
            for session_id, of_session in by_session(events).items()
            for start_us, row in work_out(of_session).items()
            for name, value in row.items()
        }
        assert differing(found, expected) == {}


@given(TIMELINES)
@settings(max_examples=250)
def test_windows_say_what_plain_loops_say(events: list[TimelineEvent]) -> None:
    assert_as_the_reference_says(events)


def test_windows_of_simulated_people_say_what_plain_loops_say() -> None:
    assert_as_the_reference_says([event for person in simulated() for event in person])


def judged(events: Sequence[TimelineEvent], since_us: Mapping[UUID, int] = ALWAYS) -> list[EmotionRow]:
    """Return predictions by session and window."""
    return sorted(predictions(columns_of(events), since_us, MODEL))


def _with_contents(rows: list[EmotionRow], events: Sequence[TimelineEvent]) -> list[tuple[EmotionRow, TimelineEvent]]:
    contents = {event.event_id: event._replace(event_id=None) for event in events}
    return [(row._replace(event_id=0), contents[row.event_id]) for row in rows]


@given(TIMELINES, st.data())
@EXAMPLES
def test_the_order_of_events_given_does_not_matter(events: list[TimelineEvent], data: st.DataObject) -> None:
    """Of twins alike in everything but the number of their row, either may be what completed the evidence."""
    shuffled = data.draw(st.permutations(events))
    assert _with_contents(judged(shuffled), events) == _with_contents(judged(events), events)


@given(TIMELINES)
@EXAMPLES
def test_sessions_judged_together_are_judged_as_each_alone(events: list[TimelineEvent]) -> None:
    alone = [row for of_session in by_session(events).values() for row in judged(of_session)]
    assert judged(events) == sorted(alone)


def test_simulated_people_judged_together_are_judged_as_each_alone() -> None:
    since_us = {person[0].session_id: 0 for person in simulated()}
    alone = [row for person in simulated() for row in judged(person, since_us)]
    assert len(alone) > 100
    assert judged([event for person in simulated() for event in person], since_us) == sorted(alone)


def tail(rows: list[EmotionRow], since_us: int) -> list[EmotionRow]:
    return [row for row in rows if microseconds(row.window_start) >= since_us]


def _judged_from_what_is_read(events: Sequence[TimelineEvent], changed_us: int) -> list[EmotionRow]:
    read = [event for event in events if event.time_us >= read_from(changed_us)]
    return judged(read, {event.session_id: judged_from(changed_us) for event in events})


CHANGES = st.one_of(
    st.integers(at(-10), at(1_500)),
    st.builds(
        lambda windows, ms, us: at(30 * windows) + ms * 1_000 + us,
        st.integers(0, 40),
        st.sampled_from([0, *THRESHOLDS_MS]),
        st.integers(-1, 1),
    ),
)
"""Times that something may change at, many of them at the edge of what that alters."""


@given(TIMELINES, CHANGES)
@EXAMPLES
def test_what_is_read_is_enough_to_judge_what_a_change_may_alter(events: list[TimelineEvent], changed_us: int) -> None:
    assert _judged_from_what_is_read(events, changed_us) == tail(judged(events), judged_from(changed_us))


@st.composite
def far_apart(draw: st.DrawFn) -> list[TimelineEvent]:
    """Return what is just read or just not, in the first window remembered by the one at 300 s, and in that itself."""
    events: list[TimelineEvent] = []
    for begin_us in (read_from(at(303)), at(300 - 9 * 30), at(300)):
        off_us = st.sampled_from([-1, -1, 0, 0, 1, -3_000_000, 2_000_000])
        scene = draw(st.lists(st.tuples(st.sampled_from([0, 400_000]), ONE | ONE | fields_of("page_view")), max_size=3))
        events += _events(SESSION, begin_us + draw(off_us), [scene])
    enough: Steps = [(1_000_000, {"event_type": "click", "x": 100 * n, "y": 0}) for n in range(5)]
    return numbered_rows([*events, *_events(SESSION, at(310), [enough])])


@given(far_apart(), st.sampled_from([at(303), at(320), at(333) - 1]))
@settings(max_examples=250)
def test_what_is_read_is_enough_for_what_is_just_remembered(events: list[TimelineEvent], changed_us: int) -> None:
    assert judged_from(changed_us) == at(300)
    assert _judged_from_what_is_read(events, changed_us) == tail(judged(events), at(300))


@given(st.sampled_from(simulated()), st.floats(0, 1))
@EXAMPLES
def test_what_is_read_of_simulated_people_is_enough(events: tuple[TimelineEvent, ...], part: float) -> None:
    begin_us, end_us = events[0].time_us, events[-1].time_us
    changed_us = begin_us + round(part * (end_us - begin_us))
    all_rows = judged(events, {events[0].session_id: 0})
    assert _judged_from_what_is_read(events, changed_us) == tail(all_rows, judged_from(changed_us))


@given(TIMELINES, ONE, CHANGES, st.data())
@EXAMPLES
def test_another_event_changes_nothing_before_what_it_may_alter(
    events: list[TimelineEvent], fields: dict[str, Any], other_us: int, data: st.DataObject
) -> None:
    near_us = data.draw(st.sampled_from(events)).time_us + data.draw(GAPS_US)
    changed_us = data.draw(st.sampled_from([near_us, other_us]))
    step: Steps = [(0, fields)]
    (more,) = _events(events[0].session_id, changed_us, [step])
    more = more._replace(event_id=None if more.event_type == "api_call" else len(events))
    before, after = judged(events), judged([*events, more])
    kept = [
        [row for row in rows if microseconds(row.window_start) < judged_from(changed_us)] for rows in (before, after)
    ]
    assert kept[0] == kept[1]


TROUBLES = st.one_of(
    st.builds(lambda: {"event_type": "error"}),
    st.builds(
        lambda latency_ms, status: {"event_type": "api_call", "latency_ms": latency_ms, "status_code": status},
        st.integers(501, 20_000),
        st.sampled_from([0, 200, 404, 503]),
    ),
    st.builds(
        lambda latency_ms, status: {"event_type": "api_call", "latency_ms": latency_ms, "status_code": status},
        st.integers(0, 500),
        st.sampled_from([0, 500, 503]),
    ),
)
"""What a score counts as trouble and a person does not do: an error, a slow call, a failed call."""


@given(TIMELINES | st.sampled_from(simulated()).map(list), st.lists(TROUBLES, min_size=1, max_size=3), st.data())
@EXAMPLES
def test_more_trouble_never_makes_frustration_less_sure(
    events: list[TimelineEvent], troubles: list[dict[str, Any]], data: st.DataObject
) -> None:
    places = data.draw(st.lists(st.integers(0, len(events) - 1), min_size=len(troubles), max_size=len(troubles)))
    shifts_us = data.draw(st.lists(st.integers(-3_000_000, 3_000_000), min_size=len(places), max_size=len(places)))
    more = [
        happened(0, event_id=None, **trouble)._replace(
            session_id=events[place].session_id, time_us=events[place].time_us + shift_us
        )
        for place, shift_us, trouble in zip(places, shifts_us, troubles, strict=True)
    ]
    before, after = (_frustration(each) for each in (events, [*events, *more]))
    assert before.keys() == after.keys()
    assert all(after[window] >= before[window] - 1e-12 for window in before)


def _frustration(events: Sequence[TimelineEvent]) -> dict[tuple[UUID, int], float]:
    """Return how probable frustration is in each window."""
    columns = columns_of(events)
    sure = MODEL.probabilities(MODEL.standardised(remembered(columns)))[:, EMOTIONS.index("frustrated")]
    windows = zip(columns.window_session.tolist(), columns.window_us.tolist(), strict=True)
    return {(columns.session_ids[n], start): each for (n, start), each in zip(windows, sure.tolist(), strict=True)}


def _fifth_of_each_window(events: Sequence[TimelineEvent]) -> dict[tuple[UUID, int], TimelineEvent]:
    done: defaultdict[tuple[UUID, int], list[TimelineEvent]] = defaultdict(list)
    for event in reference.in_order(events):
        if reference.kind_of(event) in reference.DEEDS:
            done[event.session_id, reference.window_of(event)].append(event)
    return {window: deeds[4] for window, deeds in done.items() if len(deeds) >= 5}


def assert_is_a_judgement(row: EmotionRow) -> None:
    """A weight is above 0, but may be 0 once it is rounded."""
    reasons = json.loads(row.reasons)
    weights = [reason["weight"] for reason in reasons]
    assert 0 < row.confidence <= 1
    assert len(reasons) <= 3
    assert weights == sorted(weights, reverse=True)
    assert all(weight > 0 for weight in weights)
    assert {reason["feature"] for reason in reasons} <= set(FEATURES)


@given(TIMELINES)
@EXAMPLES
def test_a_window_is_judged_at_the_fifth_thing_done_in_it(events: list[TimelineEvent]) -> None:
    contents = {event.event_id: event._replace(event_id=None) for event in events}
    rows = {(row.session_id, microseconds(row.window_start)): row for row in judged(events)}
    for row in rows.values():
        assert_is_a_judgement(row)
    assert {window: contents[row.event_id] for window, row in rows.items()} == {
        window: event._replace(event_id=None) for window, event in _fifth_of_each_window(events).items()
    }


def test_judgements_of_simulated_people_have_reasons_that_weigh_something() -> None:
    for events in simulated():
        for row in judged(events, {events[0].session_id: 0}):
            assert_is_a_judgement(row)
            assert all(reason["weight"] > 0 for reason in json.loads(row.reasons))
            assert json.loads(row.reasons)
