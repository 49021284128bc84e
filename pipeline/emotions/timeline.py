"""A session's events as far as emotions are judged by them."""

from typing import NamedTuple
from uuid import UUID


class TimelineEvent(NamedTuple):
    """One stored event; an API call has its ``latency_ms`` and ``status_code`` from its own table, and no id."""

    session_id: UUID
    time_us: int
    event_uuid: UUID | None
    event_id: int | None
    event_type: str
    screen_name: str | None
    element_id: str | None
    x: int | None
    y: int | None
    scroll_position: int | None
    latency_ms: int | None
    status_code: int | None
