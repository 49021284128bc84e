"""Between the integers that folds compare and the datetimes that rows hold."""

from datetime import datetime, timedelta

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - rows hold naive UTC, as TIMESTAMP columns do


def moment(time_us: int) -> datetime:
    """Return microseconds since the epoch as a naive datetime in UTC."""
    return _EPOCH + timedelta(0, 0, time_us)  # by position: half the time that the keyword takes


def moment_or_none(time_us: int | None) -> datetime | None:
    """Return :func:`moment`, or None for None."""
    return None if time_us is None else moment(time_us)


def microseconds(time: datetime) -> int:
    """Return a naive datetime in UTC as microseconds since the epoch."""
    return (time - _EPOCH) // timedelta(microseconds=1)
