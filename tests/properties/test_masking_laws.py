"""What holds of every text that is masked, whoever wrote it."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.masking import mask
from pipeline.metadata_privacy import may_hold_some
from pipeline.privacy import PrivacyPolicy
from pipeline.urls import without_queries, without_query
from schema.json_text import dump

POLICY = PrivacyPolicy()
ALLOWING = PrivacyPolicy(url_query_allow=frozenset({"a", "k"}))
CARD = "4111111111111111"

ATOMS = [
    *["1", "12", "4111", "4111 1111 1111 1111", CARD, "822463", "10005", "3782", "12345678", "123456789", "1234567890"],
    *["a", "f", "beef", "ann", "o'b", "@", "a@b.c", ".c", "%40", "%2540", "%25", "%", "&", "&#64;", "&#0", "\\u0040"],
    *[" ", "  ", "\t", "\n", "\xa0", "\u2009", "-", "\u2013", "_", "+", ".", ",", ":", "%20", "%2D", "'", '"', "\\"],
    *["/", "\\/", "//", "://", "http://", "http:\\/\\/", "app:/", "./", "?", "#", ";", "=", "?a=", "#a=", "?k=", "&a="],
    *["%3F", "%3Fa%3D", "%253Fa%253D", "%3B", "\\u003d", "[", "]", "(", ")", "<", ">", "{", "~", "[email]", "[card]"],
    *[
        "203.0.113.7",
        "::1",
        "2001:db8::",
        "1.2.3.4",
        "0x",
        "507f1f77bcf86cd799439011",
        "é",
        "\u3000",
        "\uff11",
        "\uff20",
    ],
    *["550e8400-e29b-41d4-a716-446655440000", "9e107d9d372bb6826bd81d3542a419d6", "1:1:1:1:1:1:1:1", "\U0001f600"],
]
"""What patterns are made of."""

TEXTS = st.lists(st.sampled_from(ATOMS), max_size=12).map("".join) | st.text(max_size=40)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([int(CARD), float(CARD)])
KEYS = TEXTS | st.sampled_from(
    ["url", "pageUrl", "ip", "version", "query_string", "a@b.c", "d@e.f", "[email]", "[email] (2)"]
)
VALUES = st.recursive(
    TEXTS | NUMBERS | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=8,
)


@settings(max_examples=1000)
@given(TEXTS)
@example('"a 4111 1111 1111 1111 4111 1111 1111 1111"@b.c')
@example("4111111111111111.123456789")
@example("4111111111111111%2012345678")
@example("41111111111111110x507f1f77bcf86cd799439011")
def test_what_was_masked_is_masked_no_further(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@settings(max_examples=1000)
@given(TEXTS)
def test_what_was_cut_is_cut_no_further(text: str) -> None:
    for allowed in (frozenset[str](), frozenset({"a", "k"})):
        for cut in (without_queries, without_query):
            assert cut(cut(text, allowed), allowed) == cut(text, allowed)


@given(
    TEXTS, st.sampled_from(["", " ", ",", "(", "id=", "x:", '"']), st.sampled_from(["", " ", ",", ")", "\n", "x ", '"'])
)
def test_no_text_around_them_hides_an_address_a_card_or_a_query(text: str, before: str, behind: str) -> None:
    for secret, found in [
        ("secret.person@mail.example", "secret"),
        ("4929 4212 3460 0821", "0821"),
        ("https://a.example/p?token=secret", "secret"),
        ("/reset?token=secret", "secret"),
    ]:
        assert found not in POLICY.clean_text(f"{text} {before}{secret}{behind}")


WORDS = st.text("abcdefghijklmnopqrstuvwxyzÄéщ'-", min_size=1, max_size=12) | st.integers(0, 9999).map(str)
PROSE = st.lists(
    st.tuples(WORDS, st.sampled_from([" ", ", ", "? ", "! ", "; ", " & ", " / ", ": ", "... "])), max_size=20
)


@given(PROSE)
def test_prose_stays_as_it_is(words: list[tuple[str, str]]) -> None:
    text = "".join(
        word + ("" if word.isdecimal() else mark) + ("; " if word.isdecimal() else "") for word, mark in words
    )
    assert POLICY.clean_text(text) == text


@settings(max_examples=1000)
@given(st.dictionaries(KEYS, VALUES, max_size=5))
@example({"a": "4111\n1111\n1111\n1111", "b": "4111\u20131111 1111 1111", "c": "4111%201111.1111_1111"})
@example({"a": "1:2:3:4:5:6:7:8", "b": "::1", "ip": "203.0.113.7"})
def test_a_value_has_something_to_mask_only_where_its_json_says_so(value: dict[str, Any]) -> None:
    for policy in (POLICY, ALLOWING):
        assert may_hold_some(dump(value)) or policy.cleaned(value) == value


@settings(max_examples=1000)
@given(VALUES)
def test_a_masked_value_has_the_shape_of_the_one_that_was_sent(value: Any) -> None:
    assert shape(POLICY.cleaned(value)) == shape(value)


def shape(value: Any) -> Any:
    """Return how many values are where."""
    if isinstance(value, dict):
        return [shape(item) for item in value.values()]
    return (list, [shape(item) for item in value]) if isinstance(value, list) else None


FUNCTIONS: list[Callable[[str], Any]] = [
    mask,
    without_queries,
    without_query,
    lambda text: POLICY.cleaned({"ip": text}),
    lambda text: POLICY.cleaned({text: [text]}),
]


@settings(max_examples=60)
@given(st.lists(st.sampled_from(ATOMS), min_size=1, max_size=3).map("".join), st.sampled_from(["", "x", "@", "=", '"']))
@example("%3F", "=")
@example("\u2014", "")
@example("4111 1112 ", "")
@example("%3Fa", "x")
def test_a_text_of_any_pattern_repeated_is_masked_in_time_in_proportion(row: str, end: str) -> None:
    text = row * (30_000 // len(row)) + end
    for function in FUNCTIONS:
        began = time.process_time()
        function(text)
        assert time.process_time() - began < 1  # quadratic, it would take many seconds


@pytest.mark.parametrize("row", ["a", "1", "4111 ", "a@", "?", "/", "%3F", "\uff11", '"', "'"])
def test_megabytes_of_one_pattern_are_masked_in_seconds(row: str) -> None:
    text = row * (2_000_000 // len(row))
    began = time.process_time()
    assert POLICY.clean_text(text) is not None
    assert time.process_time() - began < 10
