"""Rows and the values they are made of. Field order is the order of COPY.

Times named ``_us`` are microseconds since the epoch, UTC; a row's own times are naive
datetimes in UTC, as PostgreSQL's TIMESTAMP wants them. What there is one of per event on its
way is a struct of msgspec, made in a third of a named tuple's time; rows are tuples, as COPY
wants them.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from schema.reasons import Reason


class Partition(NamedTuple):
    """A partition of a topic; the order of these is the order in which rows are locked."""

    topic: str
    number: int


class Record(Struct, frozen=True, gc=False):
    """What Kafka gave us, untouched: value, key, place, arrival time.

    ``appended_us``: its own Kafka timestamp, where it came before in another record and ``arrival_us`` is that one's.
    """

    partition: Partition
    offset: int
    arrival_us: int
    key: bytes | None
    value: bytes | None
    appended_us: int | None = None


class Place(Struct, frozen=True, order=True, gc=False):
    """Where one event came from; ``index`` is its place in a batch, else None."""

    partition: Partition
    offset: int
    index: int | None = None


class DeadLetter(Struct, frozen=True, gc=False):
    """A refused record or event, with what an operator needs to mend it and send it in again.

    ``arrival_us``: its record's, by which its times were judged.
    """

    place: Place
    reason: Reason
    detail: str
    key: bytes | None
    value: bytes | None
    arrival_us: int


class ApiCall(NamedTuple):
    """What an ``api_call`` event says beyond every event."""

    api_endpoint: str
    latency_ms: int
    status_code: int


class JsError(NamedTuple):
    """What an ``error`` event says beyond every event."""

    error_message: str
    stack_trace: str | None


class UserFacts(NamedTuple):
    """What an event says of the person; None where it says nothing."""

    user_id: UUID
    external_user_id: str
    email: str | None
    device_type: str | None
    locale: str | None


class SessionFacts(NamedTuple):
    """What an event says of its session; None where it says nothing."""

    device_id: str | None
    ip_address: str | None
    user_agent: str | None
    screen_resolution: str | None
    app_version: str | None


class KeptEvent(Struct, frozen=True, gc=False):
    """An accepted event, cleaned, cut to its columns.

    ``time_us`` is dated by the corrected clock, ``client_us`` by the client's own: what it says
    again when it sends the event again.
    """

    place: Place
    arrival_us: int
    time_us: int
    client_us: int
    session_id: UUID
    event_type: str
    event_uuid: UUID | None = None
    page_url: str | None = None
    screen_name: str | None = None
    element_id: str | None = None
    element_type: str | None = None
    x: int | None = None
    y: int | None = None
    scroll_position: int | None = None
    viewport_width: int | None = None
    viewport_height: int | None = None
    api_call: ApiCall | None = None
    error: JsError | None = None
    facts: SessionFacts | None = None
    user: UserFacts | None = None
    metadata: bytes | None = None


class KeptChunk(Struct, frozen=True, gc=False):
    """An accepted replay chunk; ``time_us`` is the arrival time where the client gave none."""

    place: Place
    arrival_us: int
    time_us: int
    session_id: UUID
    chunk_index: int
    chunk_data: bytes


class EventRow(NamedTuple):
    """A row of ``events``."""

    session_id: UUID
    event_type: str
    page_url: str | None
    screen_name: str | None
    element_id: str | None
    element_type: str | None
    x: int | None
    y: int | None
    scroll_position: int | None
    timestamp: datetime
    metadata: bytes | None
    event_uuid: UUID | None
    viewport_width: int | None
    viewport_height: int | None
    client_time: datetime | None


class LatencyRow(NamedTuple):
    """A row of ``latency_metrics``."""

    session_id: UUID
    screen_name: str | None
    api_endpoint: str
    latency_ms: int
    status_code: int
    recorded_at: datetime


class ErrorRow(NamedTuple):
    """A row of ``error_logs``."""

    session_id: UUID
    screen_name: str | None
    error_message: str
    stack_trace: str | None
    occurred_at: datetime


class ChunkRow(NamedTuple):
    """A row of ``session_replay_chunks``."""

    session_id: UUID
    chunk_index: int
    chunk_data: bytes
    recorded_at: datetime
    source_offset: int


class UserRow(NamedTuple):
    """What is now known of a user, with the event time of each fact."""

    user_id: UUID
    external_user_id: str
    first_seen: datetime
    email: str | None
    email_at: datetime | None
    device_type: str | None
    device_type_at: datetime | None
    locale: str | None
    locale_at: datetime | None


class SessionRow(NamedTuple):
    """What a flush adds to a session; ``first_event``/``last_event`` are None for chunks alone.

    ``actions``: how many of its events are clicks and views. ``chunk_bytes``: of its replay chunks as they are stored.
    """

    session_id: UUID
    first_event: datetime | None
    last_event: datetime | None
    first_chunk: datetime | None
    last_chunk: datetime | None
    last_arrival: datetime
    ended: bool
    events: int
    actions: int
    chunks: int
    chunk_bytes: int
    user_id: UUID | None
    user_id_at: datetime | None
    device_id: str | None
    device_id_at: datetime | None
    ip_address: str | None
    ip_address_at: datetime | None
    user_agent: str | None
    user_agent_at: datetime | None
    screen_resolution: str | None
    screen_resolution_at: datetime | None
    app_version: str | None
    app_version_at: datetime | None


class SessionUserRow(NamedTuple):
    """A row of ``hxi_state.session_users``: one of several people named in a session."""

    session_id: UUID
    user_id: UUID


class UserAgentRow(NamedTuple):
    """A row of ``hxi_state.user_agents``: what ``judged_by``, lists and their versions, say of a user agent."""

    digest: bytes
    browser: str | None
    browser_version: str | None
    os: str | None
    device_class: str | None
    is_bot: bool
    judged_by: str


class Click(NamedTuple):
    """What the rage-click rule needs of a ``click`` event, new or read back from ``events``."""

    session_id: UUID
    time_us: int
    event_uuid: UUID | None
    screen_name: str | None
    element_id: str | None
    x: int | None
    y: int | None


class View(NamedTuple):
    """What a journey needs of a ``page_view`` or ``screen_view`` event, new or read back from ``events``."""

    session_id: UUID
    time_us: int
    event_uuid: UUID | None
    screen_name: str


class RageClickRow(NamedTuple):
    """A row of ``rage_click_events``.

    ``run_ordinal`` numbers, from 0, the rage clicks of a session and screen that begin at one instant.
    """

    session_id: UUID
    element_id: str | None
    screen_name: str | None
    click_count: int
    first_click_time: datetime
    last_click_time: datetime
    run_ordinal: int


class BurstRow(NamedTuple):
    """A stretch of a session, both ends included: what rage clicks begin in it is said anew."""

    session_id: UUID
    first_time: datetime
    last_time: datetime


class HeatmapRow(NamedTuple):
    """What a flush adds to a point of ``heatmap_points``; sums are None where no event has that coordinate."""

    session_id: UUID
    screen_name: str | None
    kind: str
    viewport_width: int | None
    viewport_height: int | None
    point_key: bytes
    weight: int
    sum_x: int | None
    sum_y: int | None
    event_time: datetime


class JourneyRow(NamedTuple):
    """A row of ``journey_steps``."""

    session_id: UUID
    step_number: int
    screen_name: str
    event_time: datetime


class LatencyWindowRow(NamedTuple):
    """What a flush adds to a window of ``latency_rollups``; bins in rising order, each with its number of calls."""

    window_start: datetime
    screen_name: str | None
    api_endpoint: str
    calls: int
    errors: int
    min_ms: int
    max_ms: int
    sum_ms: int
    satisfied: int
    tolerating: int
    bins: list[int]
    bin_calls: list[int]


class EmotionRow(NamedTuple):
    """A row of ``emotion_predictions``; ``event_id`` completed the evidence, ``reasons`` is JSON."""

    session_id: UUID
    window_start: datetime
    event_id: int
    predicted_emotion: str
    confidence: float
    model_version: str
    reasons: bytes


class ScoreRow(NamedTuple):
    """A row of ``experience_scores``; ``issues`` is JSON."""

    session_id: UUID
    score: int
    issues: bytes


@dataclass(slots=True)
class Rows:
    """Everything that one transaction writes, by table."""

    users: list[UserRow] = field(default_factory=list)
    sessions: list[SessionRow] = field(default_factory=list)
    session_users: list[SessionUserRow] = field(default_factory=list)
    user_agents: list[UserAgentRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    rage_click_events: list[RageClickRow] = field(default_factory=list)
    rage_click_bursts: list[BurstRow] = field(default_factory=list)
    heatmap_points: list[HeatmapRow] = field(default_factory=list)
    journey_steps: list[JourneyRow] = field(default_factory=list)
    latency_metrics: list[LatencyRow] = field(default_factory=list)
    latency_windows: list[LatencyWindowRow] = field(default_factory=list)
    folded_latencies: int = 0
    """Rows of crowded latency windows that are in their sums under ``other``."""
    error_logs: list[ErrorRow] = field(default_factory=list)
    session_replay_chunks: list[ChunkRow] = field(default_factory=list)
