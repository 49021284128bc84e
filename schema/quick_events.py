"""Event messages as nearly all trackers send them, from bytes to checked values in one step.

What a message means is said by the models of ``schema.events``. This knows the plain part of what they accept, at a
fifth of the cost, and leaves everything else to them: unknown fields, who the person is, unusual spellings, whatever is
refused. A property test holds the two against each other.
"""

from typing import Annotated, Any, cast
from uuid import UUID

from msgspec import UNSET, Meta, MsgspecError, Struct, UnsetType
from msgspec.json import Decoder

from schema.events import NEEDED_BY_TYPE, Event
from schema.fields import INT4_MAX, INT4_MIN, US_PER_MS, instant_us, milliseconds, pixels, session_id
from schema.json_text import dump, nests_deeper

_Pixels = Annotated[int, Meta(ge=INT4_MIN, le=INT4_MAX)] | float
_Milliseconds = Annotated[int, Meta(ge=0, le=INT4_MAX)] | float


class _Event(Struct, forbid_unknown_fields=True, gc=False):
    """Has the fields of :class:`schema.events.Event`, and what belongs into them once it is checked."""

    session_id: Any = None
    event_type: Annotated[str, Meta(min_length=1, max_length=50)] | None = None
    timestamp: int | str | None = None
    event_uuid: UUID | None = None
    sent_at: int | str | None = None
    page_url: str | None = None
    screen_name: str | None = None
    element_id: str | None = None
    element_type: str | None = None
    x: _Pixels | None = None
    y: _Pixels | None = None
    scroll_position: _Pixels | None = None
    viewport_width: _Pixels | None = None
    viewport_height: _Pixels | None = None
    metadata: dict[str, Any] | None = None
    api_endpoint: str | None = None
    latency_ms: _Milliseconds | None = None
    status_code: Annotated[int, Meta(ge=0, le=599)] | None = None
    error_message: str | None = None
    stack_trace: str | None = None
    device_id: str | None = None
    ip_address: str | None = None
    user_agent: str | None = None
    screen_resolution: str | None = None
    app_version: str | None = None
    user: None = None


class _Message(_Event, forbid_unknown_fields=True, gc=False):
    events: list[_Event] | UnsetType = UNSET


_FIELDS = _Event.__struct_fields__
_decoder = Decoder(_Message)

MOST_LEVELS = 100
"""Of nesting; where there may be more, the models decide."""

MOST_SHARED_BYTES = 2 * 1024 * 1024
"""Of what a batch's events share, repeated in each of them; where it is more, the models decide. A hundred events that
share 2 KB come to a tenth of it, and 10 000 that share their ids and types to two thirds."""


def quick_events(raw: bytes) -> Event | list[Event] | None:
    """Return the event in ``raw``, or those of its batch, or None where the models have to decide.

    What is returned has an :class:`schema.events.Event`'s fields, and nothing else of it.
    """
    if b"\\u" in raw and (b"\\u0000" in raw or b"\\ud" in raw or b"\\uD" in raw):
        return None  # NUL and surrogates: some are to be replaced
    try:
        message = _decoder.decode(raw)
        batch = message.events
        if batch is UNSET:
            _check(message)
            return None if message.metadata and _is_deep(raw, [message]) else cast(Event, message)
        _share(message, batch)
        for event in batch:
            _check(event)
        return cast(list[Event], batch) if batch and not _is_deep(raw, batch) else None
    except (MsgspecError, ValueError, RecursionError):
        return None


def _share(message: _Message, events: list[_Event]) -> None:
    """Fill in what a batch says once for all its events; raises ValueError where that would make too much of it."""
    shared = {name: value for name in _FIELDS if (value := getattr(message, name)) is not None}
    if len(dump(shared)) * len(events) > MOST_SHARED_BYTES:
        raise ValueError("shared fields")
    for event in events:
        for name, value in shared.items():
            if getattr(event, name) is None:
                setattr(event, name, value)


def _check(event: _Event) -> None:
    """Do to ``event`` what the models' validators do; raises ValueError where they would refuse it."""
    event.session_id = session_id(event.session_id)
    event.timestamp = _instant(event.timestamp)
    if event.sent_at is not None:
        event.sent_at = _instant(event.sent_at)
    if type(event.x) is float or type(event.y) is float:
        event.x, event.y = pixels(event.x), pixels(event.y)
    if type(event.scroll_position) is float:
        event.scroll_position = pixels(event.scroll_position)
    if type(event.viewport_width) is float or type(event.viewport_height) is float:
        event.viewport_width, event.viewport_height = pixels(event.viewport_width), pixels(event.viewport_height)
    if type(event.latency_ms) is float:
        event.latency_ms = milliseconds(event.latency_ms)
    if event.event_type is None:
        raise ValueError("event_type")
    for name in NEEDED_BY_TYPE.get(event.event_type, ()):
        if getattr(event, name) is None:
            raise ValueError(event.event_type)


def _instant(value: int | str | None) -> int:
    return value * US_PER_MS if type(value) is int else instant_us(value)


def _is_deep(raw: bytes, events: list[_Event]) -> bool:
    """Return whether metadata has more levels than :data:`MOST_LEVELS`; ``raw`` is what ``events`` came from."""
    return raw.count(b"{") + raw.count(b"[") > MOST_LEVELS and any(
        nests_deeper(event.metadata, MOST_LEVELS) for event in events
    )
