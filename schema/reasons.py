"""The closed list of reasons for which input is refused.

A reason is what an operator counts and alerts on, so the list only grows with a note
in the README. The sentence for a person is the ``detail`` beside it, never the reason.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why a record, or one event of a batch, went to the dead-letter topic."""

    EMPTY = "empty"
    """The record has no value (a tombstone, or zero bytes)."""

    MALFORMED_JSON = "malformed_json"
    """The bytes are not UTF-8 JSON, or nest deeper than 200 levels."""

    NOT_AN_OBJECT = "not_an_object"
    """JSON, but not an object where one is needed."""

    MISSING_FIELD = "missing_field"
    """A field that this kind of event needs is absent or null."""

    WRONG_TYPE = "wrong_type"
    """A field holds another JSON type than the contract's."""

    INVALID_VALUE = "invalid_value"
    """The type is right and the value is not: no UUID, no date, an empty or overlong name."""

    OUT_OF_RANGE = "out_of_range"
    """A number or a time that its column, or the contract, has no room for."""

    TOO_LARGE = "too_large"
    """The record, or the event's metadata, is beyond a limit of size or depth."""

    TOO_MANY = "too_many"
    """The session has sent, or the device has begun, more than the limits allow."""

    REJECTED_BY_DATABASE = "rejected_by_database"
    """PostgreSQL refused the row although every check here passed: please report it."""
