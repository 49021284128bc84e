"""Field types of the messages: how a JSON value becomes a checked Python value.

Each type names its own error so that decoding can tell the reason without reading prose.
Instants are integers, microseconds since 1970-01-01 UTC: what PostgreSQL's TIMESTAMP
resolves, and cheap to compare.
"""

import math
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, PlainValidator, StringConstraints, TypeAdapter, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError, PydanticKnownError

from schema.json_text import HugeInteger
from schema.reasons import Reason

INT4_MAX = 2**31 - 1
INT4_MIN = -(2**31)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST_US = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
"""Nothing older is believed: client clocks that were never set start in 1970."""

US_PER_MS = 1_000
US_PER_S = 1_000_000
_MICROSECOND = timedelta(microseconds=1)
_UUID = TypeAdapter(UUID)


def _refusal(reason: Reason, message: str) -> PydanticCustomError:
    return PydanticCustomError(reason.value, message)


def instant_us(value: Any) -> int:
    """Return the microseconds since the epoch that ``value`` stands for.

    Accepts integer epoch milliseconds (also written ``1.5e12``) or ISO-8601 text; text
    without an offset is UTC. Digits beyond microseconds are cut off.
    """
    kind = type(value)
    if kind is int:
        return int(value) * US_PER_MS
    if kind is float and math.isfinite(value) and value.is_integer():
        return int(value) * US_PER_MS
    if kind is not str:
        if kind is HugeInteger:
            raise _refusal(Reason.OUT_OF_RANGE, "is too large a number")
        raise _refusal(Reason.WRONG_TYPE, "is neither ISO-8601 text nor integer epoch milliseconds")
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        raise _refusal(Reason.INVALID_VALUE, "is not an ISO-8601 date and time") from None


@lru_cache(maxsize=16_384)
def _uuid(text: str) -> UUID:
    return _UUID.validate_python(text)


def session_id(value: Any) -> UUID:
    """Return the UUID in ``value``: one object per session, which makes it quick to compare."""
    if type(value) is not str:
        raise PydanticKnownError("uuid_type")
    try:
        return _uuid(value)
    except ValidationError as error:
        raise PydanticKnownError("uuid_parsing", error.errors()[0]["ctx"]) from None


def _number(value: Any) -> float | int:
    kind = type(value)
    if kind is not int and kind is not float and kind is not HugeInteger:
        raise _refusal(Reason.WRONG_TYPE, "is not a number")
    if kind is not int and not math.isfinite(value):
        raise _refusal(Reason.OUT_OF_RANGE, "is too large a number")
    return value  # type: ignore[no-any-return]


def pixels(value: Any) -> int | None:
    """Return the number rounded half up, as JavaScript's ``Math.round`` does."""
    if value is None:
        return None
    if type(value) is int and INT4_MIN <= value <= INT4_MAX:
        return value
    number = _number(value)
    whole = math.floor(number)
    whole += number - whole >= 0.5  # adding 0.5 first would round 0.49999999999999994 up
    if not INT4_MIN <= whole <= INT4_MAX:
        raise _refusal(Reason.OUT_OF_RANGE, "does not fit a 32-bit integer")
    return int(whole)


def milliseconds(value: Any) -> int | None:
    """Return a duration rounded half up to whole milliseconds."""
    whole = pixels(value)
    if whole is not None and value < 0:
        raise _refusal(Reason.OUT_OF_RANGE, "is below 0")
    return whole


def status_code(value: Any) -> int | None:
    """Return an HTTP status, 0 to 599; 0 stands for "no response"."""
    if value is None:
        return None
    number = _number(value)
    if number != int(number):
        raise _refusal(Reason.WRONG_TYPE, "is not an integer")
    if not 0 <= number <= 599:
        raise _refusal(Reason.OUT_OF_RANGE, "is not within 0 to 599")
    return int(number)


def chunk_index(value: Any) -> int:
    """Return the place of a replay chunk in its session, from 0."""
    number = _number(value)
    if number != int(number):
        raise _refusal(Reason.WRONG_TYPE, "is not an integer")
    if not 0 <= number <= INT4_MAX:
        raise _refusal(Reason.OUT_OF_RANGE, "is not within 0 to 2147483647")
    return int(number)


_INSTANT_SCHEMA = {
    "anyOf": [
        {"type": "string", "format": "date-time"},
        {"type": "integer", "description": "epoch milliseconds"},
    ]
}


def _nullable(schema: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [schema, {"type": "null"}]})


_INT4_NUMBER = {"type": "number", "minimum": INT4_MIN, "maximum": INT4_MAX}

Instant = Annotated[int, PlainValidator(instant_us), WithJsonSchema(_INSTANT_SCHEMA)]
OptionalInstant = Annotated[
    int | None,
    BeforeValidator(lambda value: None if value is None else instant_us(value)),
    _nullable(_INSTANT_SCHEMA),
]
Pixels = Annotated[int | None, PlainValidator(pixels), _nullable(_INT4_NUMBER)]
Milliseconds = Annotated[
    int | None,
    BeforeValidator(milliseconds),
    _nullable({"type": "number", "minimum": 0, "maximum": INT4_MAX}),
]
StatusCode = Annotated[
    int | None,
    BeforeValidator(status_code),
    _nullable({"type": "integer", "minimum": 0, "maximum": 599}),
]
ChunkIndex = Annotated[
    int,
    BeforeValidator(chunk_index),
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": INT4_MAX}),
]
SessionId = Annotated[UUID, PlainValidator(session_id), WithJsonSchema({"type": "string", "format": "uuid"})]
EventType = Annotated[str, StringConstraints(min_length=1, max_length=50)]
Text = str | None
OptionalUUID = UUID | None
