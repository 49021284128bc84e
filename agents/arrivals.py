"""When records arrived: what their events' times are held against."""

from typing import Any

from schema.fields import US_PER_MS

LATEST_MS = 253_370_764_800_000
"""9999-01-01: a year before the last date there is, so that a day may be added."""

FIRST_ARRIVAL = "hxi_source_timestamp"
"""The header in which a dead letter that is sent in again has its first arrival, in milliseconds since the epoch."""

_MOST_DIGITS = 15


def arrival_us(record: Any) -> int:
    """Return when ``record`` of Kafka arrived, in microseconds, within the years that PostgreSQL and we can write.

    Producers set its timestamp, and one that mistakes its unit must not stop anybody. They set headers too, so one
    that says it came first later than it now has is not believed: else its events could be dated in the future, even
    where brokers set timestamps. An earlier arrival moves times only where a sender can as well, by ``sent_at``. The
    limit of a device's sessions goes by arrival too, so it binds nobody who may set headers.
    """
    return _within_years_us(_first_arrival_ms(record) if record.headers else record.timestamp)


def appended_us(record: Any) -> int | None:
    """Return the timestamp of a ``record`` with headers, in microseconds, where it arrived before, else None.

    How long it took us goes by this one: it waited for whoever sent it in again.
    """
    appended = _within_years_us(record.timestamp)
    return None if appended == arrival_us(record) else appended


def _within_years_us(timestamp_ms: int) -> int:
    return min(max(timestamp_ms, 0), LATEST_MS) * US_PER_MS


def _first_arrival_ms(record: Any) -> int:
    for name, value in record.headers:
        if name == FIRST_ARRIVAL and value and len(value) <= _MOST_DIGITS and value.isdigit():
            return min(int(value), int(record.timestamp))
    return int(record.timestamp)
