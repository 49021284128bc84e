"""Tumbling windows of event time: each is ``[start, start + size)``."""


def window_start(time_us: int, size_us: int) -> int:
    """Return the start of the window that ``time_us`` is in; windows are counted from 1970."""
    return time_us - time_us % size_us
