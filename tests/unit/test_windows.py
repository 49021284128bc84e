"""A window holds its start and not its end, and the next one begins there."""

import pytest

from pipeline.windows import window_start
from tests.builders import NOON_US, at

MINUTE_US = 60_000_000


# The minute of noon:   -0.000001 | 0 ............ 59.999999 | 60
@pytest.mark.parametrize(
    ("seconds", "start"), [(-0.000001, -60), (0, 0), (0.000001, 0), (59.999999, 0), (60, 60), (60.000001, 60)]
)
def test_a_window_is_from_start_to_before_end(seconds: float, start: float) -> None:
    assert window_start(at(seconds), MINUTE_US) == at(start)


@pytest.mark.parametrize(
    ("time_us", "size_us", "start_us"),
    [
        (0, MINUTE_US, 0),
        (-1, MINUTE_US, -MINUTE_US),
        (-MINUTE_US, MINUTE_US, -MINUTE_US),
        (946_684_800_000_000, MINUTE_US, 946_684_800_000_000),
        (NOON_US, 1, NOON_US),
        (NOON_US + 6, 7, NOON_US + 6 - (NOON_US + 6) % 7),
    ],
    ids=["1970", "before 1970", "a minute before 1970", "2000", "a microsecond", "seven microseconds"],
)
def test_windows_are_counted_from_1970_whatever_their_size(time_us: int, size_us: int, start_us: int) -> None:
    assert window_start(time_us, size_us) == start_us


@pytest.mark.parametrize("size_us", [1, 7, 10_000_000, MINUTE_US])
def test_windows_leave_no_gap_and_do_not_overlap(size_us: int) -> None:
    start = window_start(NOON_US, size_us)
    assert [window_start(start + n * size_us, size_us) for n in (-1, 0, 1)] == [start - size_us, start, start + size_us]
    assert window_start(start + size_us - 1, size_us) == start
    assert window_start(start - 1, size_us) == start - size_us
