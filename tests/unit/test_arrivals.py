"""A record arrived when Kafka says so, or before that where it is a dead letter sent in again."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest

from agents.arrivals import FIRST_ARRIVAL, LATEST_MS, appended_us, arrival_us
from pipeline.moments import moment
from pipeline.tidy import FUTURE_US

NOW_MS = 1_700_000_000_000


class Fetched(NamedTuple):
    """As much of a Kafka record as is looked at."""

    timestamp: int
    headers: Sequence[tuple[str, bytes | None]] = ()


@pytest.mark.parametrize(
    ("timestamp_ms", "expected_us"),
    [(-1, 0), (0, 0), (NOW_MS, NOW_MS * 1000), (1_700_000_000_000_000, LATEST_MS * 1000)],
)
def test_absurd_kafka_timestamps_are_held_within_what_can_be_written(timestamp_ms: int, expected_us: int) -> None:
    assert arrival_us(Fetched(timestamp_ms)) == expected_us
    moment(arrival_us(Fetched(timestamp_ms)) + FUTURE_US)  # raises where a date has no room


@pytest.mark.parametrize(
    ("said", "expected_ms"),
    [
        (b"1699999999999", NOW_MS - 1),
        (b"1700000000000", NOW_MS),
        (b"1700000000001", NOW_MS),
        (b"999999999999999", NOW_MS),
        (b"0", 0),
        (b"-1", NOW_MS),
        (b"", NOW_MS),
        (None, NOW_MS),
        (b"yesterday", NOW_MS),
        (b"1.5e3", NOW_MS),
        ("٣".encode(), NOW_MS),
        (b"1" * 5_000, NOW_MS),
    ],
)
def test_a_header_may_say_that_a_record_arrived_earlier_and_never_later(said: bytes | None, expected_ms: int) -> None:
    record = Fetched(NOW_MS, [("source_timestamp", b"5"), (FIRST_ARRIVAL, said)])
    assert arrival_us(record) == expected_ms * 1000
    assert appended_us(record) == (None if expected_ms == NOW_MS else NOW_MS * 1000)
