"""A window is judged once five things were done in it, from a time on, and nothing in it can stop that."""

import json
import struct
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest

from pipeline.emotions import (
    TYPES,
    EmotionModel,
    TimelineEvent,
    columns_of,
    default_model,
    judged_from,
    predictions,
    read_from,
    unpacked,
)
from pipeline.emotions.columns import PACKED
from pipeline.emotions.features import remembered
from pipeline.emotions.judging import completing
from pipeline.emotions.measures import FEATURES, MEASURES, RATIOS
from pipeline.emotions.sums import NAMES
from pipeline.moments import moment
from schema.emotion_model import EMOTIONS
from schema.rows import EmotionRow
from tests.builders import NOON_US, OTHER_SESSION, SESSION, at, numbered
from tests.emotion_reference import happened

MODEL = default_model()
DEEDS = ("click", "mouse_move", "scroll", "input", "page_view", "screen_view")
NO_DEEDS = ("api_call", "error", "session_start", "identify", "anything else", "")
LEAST, MOST = -(2**31), 2**31 - 1


def judged(events: Sequence[TimelineEvent], since_us: int = 0, model: EmotionModel = MODEL) -> list[EmotionRow]:
    return predictions(columns_of(events), {event.session_id: since_us for event in events}, model)


def things(*seconds: float, event_type: str = "click") -> list[TimelineEvent]:
    """Return things done, their rows numbered from 1."""
    return [happened(each, event_type, number) for number, each in enumerate(seconds, 1)]


def completed(events: Sequence[TimelineEvent]) -> list[tuple[int, int]]:
    """Return in which second after noon each judged window begins, and which row completed its evidence."""
    return [((row.window_start - moment(NOON_US)).seconds, row.event_id) for row in judged(events)]


def test_nothing_is_judged_of_nothing() -> None:
    assert predictions(columns_of([]), {}, MODEL) == []
    assert predictions(unpacked({}), {}, MODEL) == []
    assert predictions(unpacked({SESSION: b""}), {SESSION: 0}, MODEL) == []


@pytest.mark.parametrize(("number", "rows"), [(1, []), (4, []), (5, [(0, 5)]), (6, [(0, 5)]), (20, [(0, 5)])])
def test_a_window_is_judged_once_five_things_were_done(number: int, rows: list[tuple[int, int]]) -> None:
    assert completed(things(*range(number))) == rows


@pytest.mark.parametrize("event_type", DEEDS)
def test_whatever_a_person_does_is_evidence(event_type: str) -> None:
    assert completed([*things(1, 2, 3, 4), happened(5, event_type, 7)]) == [(0, 7)]


@pytest.mark.parametrize("event_type", NO_DEEDS)
def test_what_a_person_does_not_do_is_no_evidence(event_type: str) -> None:
    others = [happened(n, event_type, None if event_type == "api_call" else 100 + n) for n in range(10)]
    assert completed([*things(1, 2, 3, 4), *others]) == []
    assert completed([*things(1, 2, 3, 4, 20), *others]) == [(0, 5)]


def test_evidence_is_counted_in_order_of_time() -> None:
    assert completed(things(9, 1, 2, 3, 4, 5)) == [(0, 6)]


def test_evidence_of_one_instant_is_counted_in_order_of_ids() -> None:
    events = [happened(1, "click", number, event_uuid=numbered(9 - number)) for number in range(6)]
    assert completed(events) == [(0, 1)]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("event_uuid", (None, numbered(1), numbered(2))),
        ("event_type", ("click", "scroll", "anything else")),
        ("screen_name", (None, "/a", "/b")),
        ("element_id", (None, "e", "f")),
        *((name, (1, 2, None)) for name in ("x", "y", "scroll_position", "latency_ms", "status_code")),
    ],
)
def test_events_of_one_instant_are_in_order_of_all_they_have(name: str, values: tuple[Any, ...]) -> None:
    events = [happened(1, number=number)._replace(**{name: value}) for number, value in enumerate(values)]
    for given in (events, events[::-1], [events[1], events[2], events[0]]):
        assert columns_of(given).event_id.tolist() == [0, 1, 2]


US = 1e-6


@pytest.mark.parametrize(("last", "rows"), [(30 - US, [(0, 5)]), (30, []), (30 + US, [])])
def test_a_window_ends_before_the_next_begins(last: float, rows: list[tuple[int, int]]) -> None:
    # |0  1  2  3  4 ... last | 30 ...
    assert completed(things(1, 2, 3, 4, last)) == rows


@pytest.mark.parametrize(("first", "rows"), [(30 - US, []), (30, [(30, 5)]), (30 + US, [(30, 5)])])
def test_a_window_begins_with_its_first_instant(first: float, rows: list[tuple[int, int]]) -> None:
    assert completed(things(first, 32, 33, 34, 59)) == rows


def test_each_window_needs_evidence_of_its_own() -> None:
    # | 5 things | 4 things | none | 6 things |
    times = [*range(5), *range(30, 34), *range(90, 96)]
    assert completed(things(*times)) == [(0, 5), (90, 14)]


def test_each_session_needs_evidence_of_its_own() -> None:
    mine = things(1, 2, 3, 4)
    others = [event._replace(session_id=OTHER_SESSION) for event in things(1, 2, 3, 4, 5)]
    assert [row.session_id for row in judged([*mine, *others])] == [OTHER_SESSION]


@pytest.mark.parametrize(("since", "begins"), [(0, [0, 30, 60]), (US, [30, 60]), (30, [30, 60]), (60, [60]), (61, [])])
def test_nothing_before_the_time_asked_for_is_judged(since: float, begins: list[int]) -> None:
    events = things(*range(5), *range(30, 35), *range(60, 65))
    rows = judged(events, at(since))
    assert [row.window_start for row in rows] == [moment(at(begin)) for begin in begins]
    assert rows == judged(events)[3 - len(rows) :]


def test_each_session_is_judged_from_its_own_time() -> None:
    mine = things(*range(5), *range(30, 35))
    others = [event._replace(session_id=OTHER_SESSION) for event in mine]
    rows = predictions(columns_of([*mine, *others]), {SESSION: at(30), OTHER_SESSION: at(0)}, MODEL)
    begins = [(row.session_id, row.window_start) for row in rows]
    assert begins == [(SESSION, moment(at(30))), (OTHER_SESSION, moment(at(0))), (OTHER_SESSION, moment(at(30)))]


# What came of a click is seen for 3 s, so a change in the first 3 s of a window may alter the one before.
@pytest.mark.parametrize(
    ("changed", "judged_at"),
    [(30, 0), (33 - US, 0), (33, 30), (33 + US, 30), (60 - US, 30), (62, 30), (63, 60)],
)
def test_a_change_alters_windows_up_to_three_seconds_before(changed: float, judged_at: int) -> None:
    assert judged_from(at(changed)) == at(judged_at)
    # nine windows remembered before the first that is judged, and the two minutes before these
    assert read_from(at(changed)) == at(judged_at - 9 * 30 - 120)


@pytest.mark.parametrize(("answered", "latency_ms", "dead"), [(3, 500, 4), (3, 499, 5), (3 + US, 500, 5)])
def test_the_longest_call_that_is_waited_for_alters_a_window_as_judged_from_says(
    answered: float, latency_ms: int, dead: int
) -> None:
    # | 5 clicks far apart, the last at the very end | call begins 2.5 s after that, and takes 0.5 s
    last = 30 - US
    clicks = [happened(each, "click", n, x=100 * n, y=0) for n, each in enumerate((1, 8, 15, 22, last))]
    call = happened(last + answered, "api_call", latency_ms=latency_ms, status_code=200)
    counts = remembered(columns_of([*clicks, call])).rows[0]
    assert counts[NAMES.index("dead")] == dead
    assert dead == 5 or judged_from(call.time_us) == at(0)


def test_a_row_says_which_emotion_how_sure_and_by_which_model() -> None:
    (row,) = judged(things(*range(8)))
    assert row.session_id == SESSION
    assert row.predicted_emotion in EMOTIONS
    assert 1 / len(EMOTIONS) <= row.confidence <= 1
    assert row.confidence == round(row.confidence, 4)
    assert row.model_version == MODEL.version


def made(linear: dict[str, float], intercept: Sequence[float] = (0, 0, 0, 0, 0)) -> EmotionModel:
    """Return a model by which these features, so heavily, speak for frustration, and nothing for anything else."""
    weights = np.zeros((len(FEATURES), len(EMOTIONS)))
    for name, weight in linear.items():
        weights[FEATURES.index(name), EMOTIONS.index("frustrated")] = weight
    numbers = len(FEATURES)
    average = np.concatenate([np.zeros(len(MEASURES)), np.full(len(RATIOS), 0.5)])
    nothing = np.zeros(numbers)
    return EmotionModel(
        "made", average, nothing, np.ones(numbers), weights, weights * 0, np.array(intercept, np.float64)
    )


def reasons(events: Sequence[TimelineEvent], model: EmotionModel) -> list[dict[str, Any]]:
    (row,) = judged(events, model=model)
    assert row.predicted_emotion == "frustrated"
    found: list[dict[str, Any]] = json.loads(row.reasons)
    return found


def test_the_reasons_are_what_spoke_most_for_the_emotion() -> None:
    # five dead clicks in nine seconds, none of them near another
    heavy = made({"dead_clicks": 1, "click_rate": 1.5, "clicks_per_view": 9, "scroll_step": 5, "event_rate": 0.2})
    found = reasons([happened(2 * n, "click", n) for n in range(5)], heavy)
    # of scrolls and of clicks per view nothing is known; dead: ln(6 / 3.5) for 5 of 5, 4/5 of it above the mean
    dead = {"feature": "dead_clicks", "value": 1.0, "typical": 0.5, "weight": 0.43}
    # clicks per second: the model expects one in two, (5 + 7.5) of (9 + 15) / 2; so do both rates
    assert [reason["feature"] for reason in found] == ["dead_clicks", "click_rate", "event_rate"]
    assert found[0] == dead
    assert found[1]["value"] == pytest.approx(5 / 9, abs=0.001)
    assert found[1]["weight"] == pytest.approx(1.5 * 0.8 * np.log(12.5 / 12), abs=0.005)


def test_there_are_three_reasons_at_most() -> None:
    # no familiar and no double click at all say most: ln(1 / 3.5) and ln(1.5 / 4)
    weights = {"dead_clicks": 1.0, "click_rate": 1.0, "event_rate": 1.0, "familiar_clicks": -1.0, "double_clicks": -1.0}
    found = reasons([happened(2 * n, "click", n) for n in range(5)], made(weights, [0, 0, 0, 0, 5]))
    assert [reason["feature"] for reason in found] == ["familiar_clicks", "double_clicks", "dead_clicks"]


def test_an_emotion_that_nothing_spoke_for_has_no_reasons() -> None:
    found = reasons([happened(2 * n, "click", n) for n in range(5)], made({"dead_clicks": -1.0}, [0, 0, 0, 0, 5]))
    assert found == []


def test_a_session_of_nothing_but_times_is_judged() -> None:
    events = [happened(3 * n, event_type) for event_type in (*DEEDS, *NO_DEEDS) for n in range(12)]
    assert len(judged(events)) == 2
    assert np.isfinite(remembered(columns_of(events)).features(MODEL.average)).all()


NUMBERS = ("x", "y", "scroll_position", "latency_ms", "status_code")
ALIKE: tuple[int | None, ...] = (LEAST, -1, 0, 1, MOST)
WEIRD: list[dict[str, int | None]] = [
    *({name: number for name in NUMBERS} for number in ALIKE),
    *({"x": a, "y": b, "scroll_position": a, "latency_ms": b} for a, b in product((LEAST, None, MOST), repeat=2)),
]


@pytest.mark.parametrize("gap", [0.0, US, 0.0005, 0.1, 2, 5])
def test_enormous_and_negative_numbers_are_judged(gap: float) -> None:
    every = [
        happened(n * gap, event_type, n, **{name: values.get(name) for name in NUMBERS})
        for n, (values, event_type) in enumerate(product(WEIRD * 2, (*DEEDS, *NO_DEEDS)))
    ]
    moves = [event._replace(event_type="mouse_move") for event in every]
    for events in (every, moves, every[::-1], [*every, *moves]):
        rows = judged(events)
        assert rows
        assert all(0 < row.confidence <= 1 for row in rows)
        assert np.isfinite(remembered(columns_of(events)).features(MODEL.average)).all()


@pytest.mark.parametrize("latency_ms", [LEAST, -90_000, -2_500, -1])
def test_calls_that_took_less_than_no_time_are_judged(latency_ms: int) -> None:
    events = [*things(1, 2, 3, 4, 5), happened(4, "api_call", latency_ms=latency_ms, status_code=-1)]
    assert completed(events) == [(0, 5)]


@pytest.mark.parametrize("begin_us", [946_684_800_000_000, -1, -62_135_596_800_000_000, 253_402_300_740_000_000])
def test_any_time_that_a_date_can_say_is_judged(begin_us: int) -> None:
    events = [event._replace(time_us=begin_us + n * 1_000) for n, event in enumerate(things(*range(10)))]
    rows = judged(events, since_us=-(2**62))
    assert sum(row.window_start <= moment(begin_us + 9_000) for row in rows) == len(rows) >= 1


def packed(event: TimelineEvent, screen: int, element: int) -> bytes:
    """Return an event as the database packs it."""

    def number(value: int | None) -> float:
        return float("nan") if value is None else float(value)

    event_type = TYPES.index(event.event_type) if event.event_type in TYPES else len(TYPES)
    return struct.pack(
        ">q16shqqdddddq",
        event.time_us - 946_684_800_000_000,
        b"" if event.event_uuid is None else event.event_uuid.bytes,
        event_type,
        screen,
        element,
        *map(number, (event.x, event.y, event.scroll_position, event.latency_ms, event.status_code)),
        -1 if event.event_id is None else event.event_id,
    )


def test_packed_events_are_judged_as_the_same_events_are() -> None:
    assert struct.calcsize(">q16shqqdddddq") == PACKED.itemsize
    events = [
        happened(n, event_type, n, event_uuid=numbered(n), x=9 * n, y=n, screen_name="/a", element_id="e")
        for n, event_type in enumerate(
            ("mouse_move", "mouse_move", "click", "scroll", "input", "page_view", "else") * 8
        )
    ]
    others = [event._replace(session_id=OTHER_SESSION, x=None, element_id=None) for event in events]
    timelines = {
        SESSION: b"".join(packed(event, 7, 3) for event in reversed(events)),
        OTHER_SESSION: b"".join(packed(event, 7, -1) for event in others),
    }
    since_us = dict.fromkeys(timelines, 0)
    rows = predictions(unpacked(timelines), since_us, MODEL)
    assert len(rows) == 4
    assert rows == predictions(columns_of([*events, *others]), since_us, MODEL)


def test_evidence_is_found_whatever_else_is_in_its_window() -> None:
    columns = columns_of([*things(1, 3, 5, 7, 9), *(happened(n, "error") for n in range(0, 40, 2))])
    (place,) = completing(columns).tolist()
    assert columns.event_id[place] == 5
