"""Reading and writing JSON that PostgreSQL's JSONB can hold without loss.

JSONB has no NUL, no lone surrogates, no NaN and no infinities. The first two become
U+FFFD here, the others are refused. Integers keep every digit, up to as many as Python converts.
"""

import json
import math
import re
from typing import Any, NoReturn

from pydantic_core import from_json, to_json

MAX_DEPTH = 200
"""Levels of nesting accepted: what the JSON parser below (jiter) allows as well."""

MOST_DIGITS = 4300
"""Of an integer: what Python converts from and to text (``sys.set_int_max_str_digits``) and jiter parses."""

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class NotJson(ValueError):
    """The bytes are not JSON; the text says where and why."""


class NotStorable(ValueError):
    """A JSON value holds something that JSONB cannot."""


class HugeInteger(float):
    """An integer of more than :data:`MOST_DIGITS` digits: an infinity that knows how it was spelt."""

    spelt: str

    @classmethod
    def of(cls, spelt: str) -> "HugeInteger":
        """Return what ``spelt`` stands for."""
        huge = cls("-inf" if spelt.startswith("-") else "inf")
        huge.spelt = spelt
        return huge


def parse(raw: bytes) -> Any:
    """Return the value in ``raw``, its texts free of NUL and lone surrogates.

    Integers of more than :data:`MOST_DIGITS` digits are infinities, as ``1e999`` is one.

    Raises:
        NotJson: not UTF-8, not JSON, NaN or Infinity, or more than 200 levels deep.
    """
    try:
        value = from_json(raw, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        if b"\\u" not in raw and not str(error).startswith("number out of range"):
            raise NotJson(str(error)) from None
        return _parse_again(raw)
    if b"\\u0000" in raw:
        return _clean(value)
    return value


def dump(value: Any) -> bytes:
    """Return ``value`` as compact JSON in UTF-8.

    Raises:
        NotStorable: it holds an infinity (``1e999`` parses to one) or an integer of
            more digits than Python converts to text.
    """
    try:
        raw = to_json(value, inf_nan_mode="constants")
    except ValueError as error:
        raise NotStorable(str(error)) from None
    if (b"Infinity" in raw or b"NaN" in raw) and _holds_infinity(value):
        raise NotStorable("a number beyond the range of JSON numbers (infinity)")
    return raw


def dump_refused(value: Any) -> bytes:
    """Return ``value``, which :func:`parse` has returned, as JSON although it cannot be stored.

    Infinities become ``1e999`` again, and huge integers what they were.
    """
    return _MARKED.sub(rb"\1", to_json(_mark_infinities(value)))


_MARK = "\0"
"""Begins a text that stands for a number while it is dumped: no text that was parsed holds a NUL."""

_MARKED = re.compile(rb'"\\u0000([^"]*)"')


def _mark_infinities(value: Any) -> Any:
    if isinstance(value, HugeInteger):
        return _MARK + value.spelt
    if isinstance(value, float) and math.isinf(value):
        return _MARK + ("1e999" if value > 0 else "-1e999")
    if isinstance(value, dict):
        return {key: _mark_infinities(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_mark_infinities(item) for item in value]
    return value


class _Members(list[tuple[str, Any]]):
    """Of an object, as they are spelt: where a key is there twice, both values count as levels, as they do to jiter."""


def _parse_again(raw: bytes) -> Any:
    """Parse with the standard library, which lets lone surrogates through to be replaced, and huge integers."""
    try:
        return _clean(_loads(raw.decode()))
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from None


def _loads(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse, object_pairs_hook=_Members)
    except (json.JSONDecodeError, NotJson):
        raise
    except ValueError:  # an integer that Python does not convert; to look at each takes three times as long
        return json.loads(text, parse_constant=_refuse, parse_int=_integer, object_pairs_hook=_Members)


def _integer(spelt: str) -> int | HugeInteger:
    return int(spelt) if len(spelt.removeprefix("-")) <= MOST_DIGITS else HugeInteger.of(spelt)


def _refuse(name: str) -> NoReturn:
    raise NotJson(f"{name} is not JSON")


def _clean(value: Any, depth: int = 0) -> Any:
    if depth > MAX_DEPTH:
        raise NotJson(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict | _Members):
        members = value.items() if isinstance(value, dict) else value
        return {clean_text(key): _clean(item, depth + 1) for key, item in members}
    if isinstance(value, list):
        return [_clean(item, depth + 1) for item in value]
    return value


def clean_text(text: str) -> str:
    """Return ``text`` with NUL and lone surrogates replaced by U+FFFD."""
    if text.isascii():
        return text.replace("\0", REPLACEMENT)
    return "".join(REPLACEMENT if char == "\0" or "\ud800" <= char <= "\udfff" else char for char in text)


def nests_deeper(value: Any, levels: int) -> bool:
    """Return whether ``value`` has more than ``levels`` of arrays and objects within each other."""
    if isinstance(value, dict):
        return levels == 0 or any(nests_deeper(item, levels - 1) for item in value.values())
    if isinstance(value, list):
        return levels == 0 or any(nests_deeper(item, levels - 1) for item in value)
    return False


def _holds_infinity(value: Any) -> bool:
    if isinstance(value, float):
        return value in (float("inf"), float("-inf")) or value != value
    if isinstance(value, dict):
        return any(map(_holds_infinity, value.values()))
    if isinstance(value, list):
        return any(map(_holds_infinity, value))
    return False
