"""Every field type at its edges: what it makes of a JSON value, and why it refuses one."""

from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from schema.fields import chunk_index, instant_us, milliseconds, pixels, status_code
from schema.json_text import HugeInteger
from tests.builders import NOON_US

INT4_MAX, INT4_MIN = 2**31 - 1, -(2**31)
NOT_NUMBERS = [True, False, "1", [], {}]


def refusal(check: Any, value: Any) -> str:
    """Return the reason for which ``check`` refuses ``value``."""
    with pytest.raises(PydanticCustomError) as caught:
        check(value)
    return caught.value.type


@pytest.mark.parametrize(
    ("value", "whole"),
    [
        (None, None),
        (0, 0),
        (-0.0, 0),
        (0.49999999999999994, 0),
        (0.5, 1),
        (1.5, 2),
        (2.5, 3),
        (-0.5, 0),
        (-0.51, -1),
        (-1.5, -1),
        (INT4_MAX - 1, INT4_MAX - 1),
        (INT4_MAX, INT4_MAX),
        (INT4_MAX + 0.49, INT4_MAX),
        (INT4_MIN, INT4_MIN),
        (INT4_MIN - 0.5, INT4_MIN),
    ],
)
def test_pixels_are_rounded_half_up(value: float | None, whole: int | None) -> None:
    assert pixels(value) == whole
    assert type(pixels(value)) is type(whole)


@pytest.mark.parametrize("value", [INT4_MAX + 1, INT4_MAX + 0.5, INT4_MIN - 1, INT4_MIN - 0.51, 1e308, 10**400])
def test_a_number_that_does_not_fit_is_refused_not_wrapped(value: float) -> None:
    assert refusal(pixels, value) == "out_of_range"


@pytest.mark.parametrize("check", [pixels, milliseconds, status_code, chunk_index])
@pytest.mark.parametrize("value", NOT_NUMBERS, ids=repr)
def test_what_is_no_number_is_of_the_wrong_type_and_true_is_none(check: Any, value: Any) -> None:
    assert refusal(check, value) == "wrong_type"


@pytest.mark.parametrize("check", [pixels, milliseconds, status_code, chunk_index])
@pytest.mark.parametrize("value", [float("inf"), float("-inf"), HugeInteger.of("9" * 4301)])
def test_infinity_is_out_of_range(check: Any, value: float) -> None:
    assert refusal(check, value) == "out_of_range"


@pytest.mark.parametrize(
    ("value", "whole"), [(0, 0), (-0.0, 0), (0.4, 0), (0.5, 1), (INT4_MAX, INT4_MAX), (None, None)]
)
def test_milliseconds_are_rounded(value: float | None, whole: int | None) -> None:
    assert milliseconds(value) == whole


@pytest.mark.parametrize("value", [-1, -0.1, INT4_MAX + 1])
def test_milliseconds_below_0_or_beyond_their_column_are_refused(value: float) -> None:
    assert refusal(milliseconds, value) == "out_of_range"


@pytest.mark.parametrize(("value", "status"), [(0, 0), (1, 1), (200.0, 200), (598, 598), (599, 599), (None, None)])
def test_a_status_is_0_to_599(value: float | None, status: int | None) -> None:
    assert status_code(value) == status


@pytest.mark.parametrize(("value", "reason"), [(-1, "out_of_range"), (600, "out_of_range"), (200.5, "wrong_type")])
def test_another_status_is_refused(value: float, reason: str) -> None:
    assert refusal(status_code, value) == reason


@pytest.mark.parametrize("value", [0, 1, INT4_MAX - 1, INT4_MAX, 7.0])
def test_a_chunk_index_counts_from_0(value: float) -> None:
    assert chunk_index(value) == value


@pytest.mark.parametrize(
    ("value", "reason"),
    [(-1, "out_of_range"), (INT4_MAX + 1, "out_of_range"), (0.5, "wrong_type"), (None, "wrong_type")],
)
def test_another_chunk_index_is_refused(value: float, reason: str) -> None:
    assert refusal(chunk_index, value) == reason


@pytest.mark.parametrize(
    "value",
    [
        "2024-01-05T12:00:00",
        "2024-01-05T12:00:00Z",
        "2024-01-05 12:00:00.0000009+00:00",
        "2024-01-05T14:00+02:00",
        "20240105T120000Z",
        NOON_US // 1000,
        float(NOON_US // 1000),
    ],
    ids=str,
)
def test_an_instant_is_iso_text_or_epoch_milliseconds_and_without_offset_utc(value: Any) -> None:
    assert instant_us(value) == NOON_US


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        (0, 0),
        (-1, -1_000),
        (10**30, 10**33),
        ("1970-01-01T00:00:00.000001Z", 1),
        ("1970-01-01", 0),
        ("0001-01-01T00:00:00+23:59", -62_135_596_800_000_000 - (23 * 60 + 59) * 60_000_000),
        ("9999-12-31T23:59:59.999999-23:59", 253_402_300_799_999_999 + (23 * 60 + 59) * 60_000_000),
    ],
    ids=str,
)
def test_instants_are_exact_to_the_microsecond_from_year_1_to_9999(value: Any, instant: int) -> None:
    assert instant_us(value) == instant


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "invalid_value"),
        ("yesterday", "invalid_value"),
        ("2023-02-29", "invalid_value"),
        ("10000-01-01", "invalid_value"),
        ("0000-01-01", "invalid_value"),
        ("1704456000000", "invalid_value"),
        (0.5, "wrong_type"),
        (float("inf"), "wrong_type"),
        (HugeInteger.of("-" + "9" * 4301), "out_of_range"),
        (True, "wrong_type"),
        (None, "wrong_type"),
        ([], "wrong_type"),
    ],
    ids=repr,
)
def test_what_is_no_instant_is_refused(value: Any, reason: str) -> None:
    assert refusal(instant_us, value) == reason
