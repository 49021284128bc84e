"""What a record says, read by the standard library alone and a few plain rules, to hold what is stored against."""

import json
import math
import re
from fractions import Fraction
from typing import Any, NoReturn
from uuid import UUID

from schema.rows import KeptEvent

COORDINATES = ("x", "y", "scroll_position", "viewport_width", "viewport_height")
MOST_DIGITS = 4300
MOST_LEVELS = 200
MOST_EVENTS = 10_000

_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')
_HOLLOW = re.compile(r"\[\s*\]|\{\s*\}")
"""What holds nothing is no level."""

_MARKS = re.compile(r"[][{}]")

Said = dict[str, Any]


def read(value: bytes | None) -> Any:
    """Return the value of a record.

    Raises:
        ValueError: it is not JSON in UTF-8 that nests no deeper than it may.
    """
    try:
        text = (value or b"").decode("utf-8")
        found = json.loads(text, parse_int=_integer, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nests too deeply") from None
    _assert_levels(text)
    return found


def events_in(message: Any) -> list[Any] | None:
    """Return the events in a record as they were meant, a batch's with the shared fields filled in.

    None where it is neither an event nor a batch of as many as there may be.
    """
    if not isinstance(message, dict):
        return None
    if "events" not in message:
        return [message]
    events = message["events"]
    if not isinstance(events, list) or not 0 < len(events) <= MOST_EVENTS:
        return None
    shared = {name: said for name, said in message.items() if name != "events"}
    return [_filled_in(shared, event) for event in events]


def _filled_in(shared: Said, event: Any) -> Any:
    if not isinstance(event, dict):
        return event
    return {**event, **{name: said for name, said in shared.items() if event.get(name) is None}}


def _integer(spelt: str) -> float | int:
    return int(spelt) if len(spelt) <= MOST_DIGITS else float("inf")


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _assert_levels(text: str) -> None:
    """Count levels as they are spelt: of a key that is there twice the first value is in nothing that is read."""
    level = 0
    for mark in _MARKS.findall(_HOLLOW.sub("", _STRINGS.sub("0", text))):
        level += 1 if mark in "[{" else -1
        if level > MOST_LEVELS:
            raise ValueError("nests too deeply")


def rounded(number: float | int | None) -> int | None:
    """Return the number rounded half up, without any rounding on the way."""
    return None if number is None else math.floor(Fraction(number) + Fraction(1, 2))


def assert_numbers_as_sent(said: Said, event: KeptEvent) -> None:
    """Check that no number of ``event`` is wrapped, clipped or another's."""
    assert event.session_id == UUID(said["session_id"])
    for name in COORDINATES:
        assert getattr(event, name) == rounded(said.get(name)), name
    if event.api_call is not None:
        assert event.api_call.latency_ms == rounded(said["latency_ms"])
        assert event.api_call.status_code == said["status_code"]
    if event.event_uuid is not None:
        assert event.event_uuid == UUID(said["event_uuid"])
    if isinstance(said["timestamp"], int):
        assert event.client_us == said["timestamp"] * 1000
