"""The messages that trackers send, as the contract has them: events, batches, replay chunks.

These models are the one definition: decoding validates with them, and the JSON Schema
that tracker authors check against is generated from them.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from schema.fields import (
    ChunkIndex,
    EventType,
    Instant,
    Milliseconds,
    OptionalInstant,
    OptionalUUID,
    Pixels,
    SessionId,
    StatusCode,
    Text,
)
from schema.reasons import Reason

CLICK = "click"
SCROLL = "scroll"
MOUSE_MOVE = "mouse_move"
INPUT = "input"
PAGE_VIEW = "page_view"
SCREEN_VIEW = "screen_view"
API_CALL = "api_call"
ERROR = "error"
IDENTIFY = "identify"
SESSION_START = "session_start"
SESSION_END = "session_end"

KNOWN_TYPES = frozenset(
    {CLICK, SCROLL, MOUSE_MOVE, INPUT, PAGE_VIEW, SCREEN_VIEW, API_CALL, ERROR, SESSION_START, SESSION_END, IDENTIFY}
)
"""The contract's; any other type is the sender's own text."""

NEEDED_BY_TYPE: dict[str, tuple[str, ...]] = {
    API_CALL: ("api_endpoint", "latency_ms", "status_code"),
    ERROR: ("error_message",),
    IDENTIFY: ("user",),
}
"""Fields that the known types need beyond what every event needs."""


class User(BaseModel):
    """Who the person is. Without an ``external_user_id`` it names nobody."""

    model_config = ConfigDict(extra="allow")

    external_user_id: Text = None
    email: Text = None
    device_type: Text = None
    locale: Text = None


def _needs(event_type: str, fields: tuple[str, ...]) -> dict[str, Any]:
    present: dict[str, Any] = {name: {"not": {"type": "null"}} for name in fields}
    if event_type == IDENTIFY:
        present["user"] = {
            "type": "object",
            "required": ["external_user_id"],
            "properties": {"external_user_id": {"type": "string", "minLength": 1}},
        }
    return {
        "if": {"properties": {"event_type": {"const": event_type}}},
        "then": {"required": list(fields), "properties": present},
    }


class Event(BaseModel):
    """One UI action. Unknown fields are kept; ``null`` is the same as absent."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={"allOf": [_needs(*needed) for needed in NEEDED_BY_TYPE.items()]},
    )

    session_id: SessionId
    event_type: EventType
    timestamp: Instant
    event_uuid: OptionalUUID = None
    sent_at: OptionalInstant = None
    page_url: Text = None
    screen_name: Text = None
    element_id: Text = None
    element_type: Text = None
    x: Pixels = None
    y: Pixels = None
    scroll_position: Pixels = None
    viewport_width: Pixels = None
    viewport_height: Pixels = None
    metadata: dict[str, Any] | None = None
    api_endpoint: Text = None
    latency_ms: Milliseconds = None
    status_code: StatusCode = None
    error_message: Text = None
    stack_trace: Text = None
    device_id: Text = None
    ip_address: Text = None
    user_agent: Text = None
    screen_resolution: Text = None
    app_version: Text = None
    user: User | None = None

    @model_validator(mode="after")
    def _has_what_its_type_needs(self) -> "Event":
        needed = NEEDED_BY_TYPE.get(self.event_type)
        if needed is None:
            return self
        for name in needed:
            if getattr(self, name) is None:
                raise PydanticCustomError(
                    Reason.MISSING_FIELD.value,
                    "{field}: needed by event type {event_type}",
                    {"field": name, "event_type": self.event_type},
                )
        if self.event_type == IDENTIFY and not (self.user and self.user.external_user_id):
            raise PydanticCustomError(
                Reason.MISSING_FIELD.value, "user.external_user_id: needed by event type identify"
            )
        return self


class ReplayChunk(BaseModel):
    """One piece of a session's recording; ``chunk_data`` is opaque JSON (rrweb events)."""

    model_config = ConfigDict(extra="ignore")

    session_id: SessionId
    chunk_index: ChunkIndex
    chunk_data: Annotated[Any, WithJsonSchema({"not": {"type": "null"}})]
    timestamp: OptionalInstant = None

    @model_validator(mode="after")
    def _has_data(self) -> "ReplayChunk":
        if self.chunk_data is None:
            raise PydanticCustomError(Reason.MISSING_FIELD.value, "chunk_data: needed")
        return self
