"""The quick way to decode says what the models say, or leaves it to them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.decode import decode_by_models, decode_events
from pipeline.simulation import Traffic, simulate
from schema.events import Event
from schema.json_text import MAX_DEPTH
from schema.quick_events import quick_events
from schema.rows import DeadLetter
from tests.builders import NOON_US, POLICY, message, record


def spelt(*texts: str) -> st.SearchStrategy[str]:
    """Return any of these JSON values; those without spaces may stand in one text."""
    return st.sampled_from([value for text in texts for value in ([text] if '"' in text else text.split())])


INSTANTS = spelt(
    "1704456000000 1704456000000.0 1.704456e12 1704456000000.5 0 -1 true null 1e999 1" + "0" * 40,
    '"2024-01-05T12:00:00Z"',
    '"2024-01-05"',
    '"2024-01-05T12:00:00.123456789+01:00"',
    '"noon"',
)
NUMBERS = spelt(
    "0 -0 1 1.5 0.49999999999999994 -0.5 1e3 1E+2 12e-1 599 600 -1 true null [] 01 1. .5 +1 0x10 NaN Infinity",
    "2147483647 2147483647.4 2147483648 -2147483649 9007199254740993 1e999 -1e999 1" + "0" * 400,
    '"5"',
)
TEXTS = st.text(max_size=30).map(json.dumps) | spelt(
    "null 5 'a'",
    '"a"',
    '""',
    r'"\u0000"',
    r'"\ud800"',
    r'"\uD83D\ude00"',
    r'"\u0041"',
    r'"\/"',
    r'"\q"',
    '"\x01"',
    '"me@example.com"',
    '"4111 1111 1111 1111"',
    '"https://me:secret@example.com/a?b=c#d"',
    json.dumps("x" * 300),
    json.dumps("щ" * 256, ensure_ascii=False),
)
UUIDS = st.uuids().map(str).map(json.dumps) | spelt(
    "5 null",
    '"6F0D5D3C-3F0F-5A53-9B0E-6A1C0C9C7A11"',
    '"6f0d5d3c3f0f5a539b0e6a1c0c9c7a11"',
    '"{6f0d5d3c-3f0f-5a53-9b0e-6a1c0c9c7a11}"',
    '"urn:uuid:6f0d5d3c-3f0f-5a53-9b0e-6a1c0c9c7a11"',
    '"6f0d5d3c-3f0f-5a53-9b0e-6a1c0c9c7a1"',
    '"no"',
)
TYPES = st.sampled_from(["click", "scroll", "page_view", "api_call", "error", "identify", "session_end", "x" * 50])
VALUES = st.recursive(
    NUMBERS | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(st.tuples(TEXTS, inner), max_size=3).map(lambda items: _spelt(items, " "))
    ),
    max_leaves=8,
)
OBJECTS = st.lists(st.tuples(TEXTS, VALUES), max_size=3).map(lambda items: _spelt(items, "")) | st.sampled_from(
    ["{}", "null", "[" * 150 + "]" * 150, '{"a":' * 60 + "1" + "}" * 60, '{"a":' * 150 + "1" + "}" * 150]
)
BY_NAME = {
    "session_id": UUIDS,
    "event_uuid": UUIDS,
    "event_type": TYPES.map(json.dumps) | TEXTS,
    "timestamp": INSTANTS,
    "sent_at": INSTANTS,
    "metadata": OBJECTS,
    "user": OBJECTS | st.just('{"external_user_id":"me"}'),
} | {
    name: NUMBERS
    for name in ("x", "y", "scroll_position", "viewport_width", "viewport_height", "latency_ms", "status_code")
}


def _spelt(items: list[tuple[str, str]], space: str) -> str:
    return "{" + f",{space}".join(f"{key}{space}:{value}" for key, value in items) + "}"


def fields(names: st.SearchStrategy[str]) -> st.SearchStrategy[list[tuple[str, str]]]:
    """Return fields of an event as they may be spelt, some of them twice."""
    return st.lists(
        names.flatmap(lambda name: st.tuples(st.just(json.dumps(name)), BY_NAME.get(name, TEXTS))), max_size=5
    )


KNOWN = st.sampled_from([*Event.model_fields])
ANY = KNOWN | st.sampled_from(["events", "else"])
GOOD = [(json.dumps(name), json.dumps(value)) for name, value in message().items()]


@st.composite
def events(draw: Callable[[st.SearchStrategy[Any]], Any]) -> str:
    """Return an event that is good but for what is drawn."""
    return _spelt(
        GOOD + draw(fields(ANY if draw(st.integers(0, 9)) == 0 else KNOWN)), draw(st.sampled_from(["", " ", "\n\t"]))
    )


BATCHES = st.builds(
    lambda shared, items: _spelt([*GOOD, *shared, ('"events"', f"[{','.join(items)}]")], ""),
    fields(KNOWN),
    st.lists(events() | fields(KNOWN).map(lambda items: _spelt(items, "")), max_size=4),
)


@settings(max_examples=400)
@given(events() | BATCHES)
@example(_spelt([*GOOD, ('"events"', "null")], ""))
@example(_spelt([*GOOD, ('"metadata"', '{"a":' * MAX_DEPTH + "1" + "}" * MAX_DEPTH)], ""))
@example('{"events":[{}]}')
@example("")
@example("5")
def test_a_record_comes_to_what_the_models_make_of_it(text: str) -> None:
    each = record(text.encode(errors="surrogatepass"))
    assert list(decode_events(each, POLICY)) == list(decode_by_models(each, POLICY))


@given(st.binary(max_size=40), st.integers(0, 10_000), events())
def test_a_damaged_record_comes_to_what_the_models_make_of_it(junk: bytes, at: int, text: str) -> None:
    whole = text.encode(errors="surrogatepass")
    cut = at % (len(whole) + 1)
    for raw in (whole[:cut] + junk + whole[cut:], whole[:cut], whole[:cut] + junk + whole[cut + len(junk) :]):
        each = record(raw)
        assert list(decode_events(each, POLICY)) == list(decode_by_models(each, POLICY))


@pytest.mark.parametrize("batch_size", [1, 20])
def test_what_trackers_send_is_decoded_quickly_but_for_who_the_person_is(batch_size: int) -> None:
    left = 0
    for sent in simulate(Traffic(batch_size=batch_size), events=2000, seed=3, start_ms=NOON_US // 1000):
        each = record(sent.message, arrival_us=sent.sent_at_ms * 1000)
        identifies = b'"user"' in (each.value or b"")
        assert identifies == (quick_events(each.value or b"") is None)
        left += identifies
        outcomes = list(decode_events(each, POLICY))
        assert outcomes == list(decode_by_models(each, POLICY))
        assert not any(isinstance(outcome, DeadLetter) for outcome in outcomes)
    assert left > 0


def test_a_batch_says_once_what_its_events_share() -> None:
    found = quick_events(
        record(message(screen_name="a", events=[{}, {"screen_name": "b"}, {"screen_name": None}])).value or b""
    )
    assert isinstance(found, list)
    assert [event.screen_name for event in found] == ["a", "b", "a"]
