"""JSON in and out: what JSONB cannot hold is replaced or refused, and nothing else changes."""

import json
import math
from typing import Any

import pytest

from schema.json_text import MAX_DEPTH, REPLACEMENT, NotJson, NotStorable, clean_text, dump, dump_refused, parse

INNERMOST = [b"0", b'"\\u0000"', b'"\\ud800"']
"""A parser's fast way, its way past NUL, and its way past lone surrogates."""


def nested(levels: int, innermost: bytes) -> bytes:
    """Return lists and objects around ``innermost``."""
    opening, closing = zip(*((b"[", b"]") if n % 2 else (b'{"k":', b"}") for n in range(levels)), strict=True)
    return b"".join(opening) + innermost + b"".join(reversed(closing))


@pytest.mark.parametrize("innermost", INNERMOST)
@pytest.mark.parametrize("levels", [MAX_DEPTH - 1, MAX_DEPTH])
def test_200_levels_of_nesting_are_read_and_written(levels: int, innermost: bytes) -> None:
    assert dump(parse(nested(levels, innermost))).count(b"[") == levels // 2


@pytest.mark.parametrize("innermost", INNERMOST)
@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 2_000, 100_000])
def test_deeper_nesting_is_refused_and_does_not_exhaust_the_stack(levels: int, innermost: bytes) -> None:
    with pytest.raises(NotJson):
        parse(nested(levels, innermost))


@pytest.mark.parametrize("text", [b"a", b"\\u0000", b"\\ud800"])
def test_deeper_nesting_is_refused_where_a_later_value_of_its_key_hides_it(text: bytes) -> None:
    deep, least = (b'{"k":%s,"k":"%s"}' % (nested(levels, b"1"), text) for levels in (MAX_DEPTH, MAX_DEPTH - 1))
    assert parse(least)["k"] in ("a", REPLACEMENT)
    with pytest.raises(NotJson):
        parse(deep)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (rb'"a\u0000b"', f"a{REPLACEMENT}b"),
        (rb'"\ud83d"', REPLACEMENT),
        (rb'"\ude00\ud83d"', REPLACEMENT * 2),
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (rb'["\ud83d\ude00", "\udfff", "\u0000"]', ["\U0001f600", REPLACEMENT, REPLACEMENT]),
        (rb'{"\u0000": {"\ud800": 1}}', {REPLACEMENT: {REPLACEMENT: 1}}),
        (rb'"\\u0000 \\ud800"', r"\u0000 \ud800"),
        ('"\ue000\uffff\U0010ffff"'.encode(), "\ue000\uffff\U0010ffff"),
    ],
)
def test_nul_and_lone_surrogates_become_replacement_characters(raw: bytes, value: Any) -> None:
    assert parse(raw) == value
    assert json.loads(dump(value)) == value


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"{",
        b"[1,]",
        b"{} {}",
        b"'a'",
        b'{"a":NaN}',
        b"Infinity",
        b"-Infinity",
        rb'["\ud800", NaN]',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf{}",
        b'"\x00"',
        '{"a":1}'.encode("utf-16"),
        rb'"\ud800',
        rb'"\u00zz"',
        b"9" * 4301 + b"x",
        b"[" + b"9" * 4301 + b", NaN]",
        b"[" * 201 + b"9" * 4301 + b"]" * 201,
    ],
    ids=lambda raw: repr(raw)[:30],
)
def test_what_is_not_utf_8_json_is_refused(raw: bytes) -> None:
    with pytest.raises(NotJson):
        parse(raw)


@pytest.mark.parametrize("digits", [15, 19, 20, 4299, 4300])
def test_integers_keep_every_digit(digits: int) -> None:
    raw = b"[-" + b"7" * digits + b"]"
    assert dump(parse(raw)) == raw


@pytest.mark.parametrize(
    "raw", [b"9" * 4301, b'{"a":[-' + b"7" * 9000 + b'],"\xc3\xa9":1e999}', b'["x",1' + b"0" * 10**6 + b"]"]
)
def test_an_integer_of_more_digits_is_read_and_dumped_as_it_was_sent_and_cannot_be_written(raw: bytes) -> None:
    value = parse(raw)
    assert dump_refused(value) == raw
    with pytest.raises(NotStorable):
        dump(value)


def test_an_integer_of_more_digits_is_read_beside_a_lone_surrogate() -> None:
    text, digits = parse(rb'["\ud800",' + b"9" * 4301 + b"]")
    assert (text, digits, digits.spelt) == (REPLACEMENT, math.inf, "9" * 4301)


@pytest.mark.parametrize("value", [parse(b"1e999"), [parse(b"-1e999")], {"a": [{"b": parse(b"1e309")}]}, float("nan")])
def test_an_infinity_is_read_and_cannot_be_written(value: Any) -> None:
    with pytest.raises(NotStorable):
        dump(value)


@pytest.mark.parametrize("value", ["Infinity", {"NaN": "-Infinity"}, [1e308, "Infinity"]])
def test_texts_that_only_read_like_infinities_are_written(value: Any) -> None:
    assert json.loads(dump(value)) == value


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("", ""),
        ("a\0", f"a{REPLACEMENT}"),
        ("é\0", f"é{REPLACEMENT}"),
        ("\ud800é", f"{REPLACEMENT}é"),
        ("é\ue000", "é\ue000"),
    ],
    ids=ascii,
)
def test_text_is_cleaned_of_the_same(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


def test_what_cannot_be_stored_is_dumped_as_it_was_sent() -> None:
    raw = '{"a":1e999,"b":[-1e999,"Infinity",1.5],"∞\ufffd":"-∞\ufffd","\\\\u00001":"\\"\\\\u0000"}'.encode()
    assert dump_refused(parse(raw)) == raw
