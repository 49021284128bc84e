"""Makes a validated message fit to store: dates it, masks it, cuts it to its columns.

Decides the corrected event time, the screen's name and what moves into ``metadata``.
Nothing is lost: text that is cut and fields that no column holds stay in ``metadata``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from pipeline.limits import Limits
from pipeline.privacy import PrivacyPolicy
from pipeline.replay_privacy import masked_chunk
from schema.events import API_CALL, ERROR, KNOWN_TYPES, Event, ReplayChunk, User
from schema.fields import EARLIEST_US, EPOCH, US_PER_S
from schema.json_text import dump, nests_deeper
from schema.rows import ApiCall, JsError, KeptChunk, KeptEvent, Place, SessionFacts, UserFacts

USER_NAMESPACE = UUID("6f0d5d3c-3f0f-5a53-9b0e-6a1c0c9c7a11")
"""Makes ``user_id`` the same on every machine: UUID version 5 of the external id in here."""

FIRST_DATE_US = int(datetime(1, 1, 1, tzinfo=UTC).timestamp()) * US_PER_S
LAST_DATE_US = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp()) * US_PER_S
"""What a client's wrong clock may say before it is corrected: dates that can be written down."""

FUTURE_US = 24 * 3600 * US_PER_S
"""An event may be dated this far beyond its record's arrival, as the contract has it."""

_CUT = {
    "event_type": 50,
    "screen_name": 255,
    "element_id": 255,
    "element_type": 100,
    "device_id": 255,
    "ip_address": 100,
    "screen_resolution": 50,
    "app_version": 50,
}
_USER_CUT = {"external_user_id": 255, "email": 255, "device_type": 50, "locale": 50}


@dataclass(frozen=True, slots=True)
class DecodePolicy:
    """What decoding needs to know beside the bytes."""

    max_clock_skew_s: float = 60.0
    privacy: PrivacyPolicy = field(default_factory=PrivacyPolicy)
    limits: Limits = field(default_factory=Limits)


class TooLarge(ValueError):
    """Metadata beyond the limits."""


class OutOfRange(ValueError):
    """A time outside what the contract believes."""


def tidy_event(
    event: Event,
    unknown: Mapping[str, Any] | None,
    place: Place,
    arrival_us: int,
    policy: DecodePolicy,
) -> KeptEvent:
    """Return ``event``, sent with some ``unknown`` fields, as it will be stored.

    Raises:
        OutOfRange: it is dated before 2000 or more than a day after its arrival.
        NotStorable: its metadata holds a number that JSONB cannot.
        TooLarge: its metadata is larger, or nests deeper, than the limits allow.
    """
    privacy = policy.privacy
    extra = dict(event.metadata) if event.metadata else {}
    if unknown:
        for name, value in unknown.items():
            _keep(extra, name, value)
    _keep_strays(event, extra, privacy)
    url, path = (None, None) if event.page_url is None else privacy.clean_page(event.page_url)
    screen = path if event.screen_name is None else privacy.clean_text(event.screen_name)
    element_id = None if event.element_id is None else privacy.clean_text(event.element_id)
    return KeptEvent(  # by position, in order: metadata has to come after what may add to it
        place,
        arrival_us,
        _event_time(event.timestamp, event.sent_at, arrival_us, policy.max_clock_skew_s),
        event.timestamp,
        event.session_id,
        event.event_type if event.event_type in KNOWN_TYPES else _custom_type(event.event_type, extra, privacy),
        event.event_uuid,
        url,
        _cut("screen_name", screen, extra),
        _cut("element_id", element_id, extra),
        None if event.element_type is None else _cut("element_type", privacy.clean_text(event.element_type), extra),
        event.x,
        event.y,
        event.scroll_position,
        event.viewport_width,
        event.viewport_height,
        _api_call(event, privacy) if event.event_type == API_CALL else None,
        _js_error(event, privacy) if event.event_type == ERROR else None,
        _session_facts(event, extra, privacy),
        None if event.user is None else _user_facts(event.user, extra, privacy),
        None if not extra and event.metadata is None else _metadata(extra, policy),
    )


def tidy_chunk(chunk: ReplayChunk, place: Place, arrival_us: int, policy: DecodePolicy) -> KeptChunk:
    """Return ``chunk`` as it will be stored; raises as :func:`tidy_event` does."""
    privacy = policy.privacy
    time_us = arrival_us if chunk.timestamp is None else chunk.timestamp
    _check_range(time_us, arrival_us)
    data = masked_chunk(chunk.chunk_data, privacy)
    return KeptChunk(place, arrival_us, time_us, chunk.session_id, chunk.chunk_index, dump(data))


def _custom_type(event_type: str, extra: dict[str, Any], privacy: PrivacyPolicy) -> str:
    """Return the type masked as a free text; without its query it is neither empty nor a known type."""
    clean = privacy.clean_text(event_type)
    return f"{clean}?" if not clean or clean in KNOWN_TYPES else _cut("event_type", clean, extra) or ""


def _event_time(time_us: int, sent_us: int | None, arrival_us: int, max_skew_s: float) -> int:
    if sent_us is not None:
        skew = arrival_us - sent_us
        if abs(skew) > max_skew_s * US_PER_S:
            if not FIRST_DATE_US <= time_us <= LAST_DATE_US:
                raise OutOfRange("timestamp: is not within the years 1 to 9999")
            time_us += skew
    _check_range(time_us, arrival_us)
    return time_us


def _check_range(time_us: int, arrival_us: int) -> None:
    if time_us < EARLIEST_US:
        raise OutOfRange("timestamp: is before 2000-01-01")
    if time_us > arrival_us + FUTURE_US:
        arrived = EPOCH + timedelta(microseconds=arrival_us)
        raise OutOfRange(f"timestamp: is more than a day after its arrival at {arrived:%FT%TZ}")


def _keep_strays(event: Event, extra: dict[str, Any], privacy: PrivacyPolicy) -> None:
    """Put into ``extra`` what no column of this event type holds."""
    if event.event_type != API_CALL:
        if event.api_endpoint is not None:
            _keep(extra, "api_endpoint", privacy.clean_url(event.api_endpoint))
        if event.latency_ms is not None:
            _keep(extra, "latency_ms", event.latency_ms)
        if event.status_code is not None:
            _keep(extra, "status_code", event.status_code)
    if event.event_type != ERROR:
        if event.error_message is not None:
            _keep(extra, "error_message", event.error_message)
        if event.stack_trace is not None:
            _keep(extra, "stack_trace", event.stack_trace)


def _keep(extra: dict[str, Any], name: str, value: Any) -> None:
    if name in extra and extra[name] != value:
        name = f"event.{name}"
    extra[name] = value


def _cut(name: str, text: str | None, extra: dict[str, Any], widths: dict[str, int] = _CUT) -> str | None:
    if text is None or len(text) <= widths[name]:
        return text
    _keep(extra, name, text)
    return text[: widths[name]]


def _api_call(event: Event, privacy: PrivacyPolicy) -> ApiCall:
    endpoint, latency, status = event.api_endpoint, event.latency_ms, event.status_code
    assert endpoint is not None  # the model's rule, as for the next two
    assert latency is not None
    assert status is not None
    return ApiCall(privacy.clean_url(endpoint), latency, status)


def _js_error(event: Event, privacy: PrivacyPolicy) -> JsError:
    assert event.error_message is not None  # the model's rule
    stack = event.stack_trace
    return JsError(privacy.clean_text(event.error_message), stack and privacy.clean_text(stack))


def _session_facts(event: Event, extra: dict[str, Any], privacy: PrivacyPolicy) -> SessionFacts | None:
    if (
        event.user_agent is None
        and event.device_id is None
        and event.ip_address is None
        and event.screen_resolution is None
        and event.app_version is None
    ):
        return None
    facts = SessionFacts(
        _cut("device_id", event.device_id, extra),
        _cut("ip_address", privacy.clean_ip(event.ip_address), extra),
        event.user_agent and privacy.clean_text(event.user_agent),
        _cut("screen_resolution", event.screen_resolution and privacy.clean_text(event.screen_resolution), extra),
        _cut("app_version", event.app_version and privacy.clean_text(event.app_version), extra),
    )
    return facts if any(facts) else None


def _user_facts(user: User, extra: dict[str, Any], privacy: PrivacyPolicy) -> UserFacts | None:
    """Return the facts, or keep them in ``extra`` where they name nobody."""
    if not user.external_user_id:
        anonymous = user.model_copy(update={"email": privacy.clean_email(user.email)})
        if said := anonymous.model_dump(exclude_none=True):
            _keep(extra, "user", said)
        return None
    if user.__pydantic_extra__:
        _keep(extra, "user", dict(user.__pydantic_extra__))
    return UserFacts(
        uuid5(USER_NAMESPACE, user.external_user_id),
        _cut("external_user_id", user.external_user_id, extra, _USER_CUT) or "",
        _cut("email", privacy.clean_email(user.email), extra, _USER_CUT),
        _cut("device_type", user.device_type and privacy.clean_text(user.device_type), extra, _USER_CUT),
        _cut("locale", user.locale and privacy.clean_text(user.locale), extra, _USER_CUT),
    )


def _metadata(extra: dict[str, Any], policy: DecodePolicy) -> bytes:
    raw, limits = dump(extra), policy.limits
    _check_size(raw, limits)
    if raw.count(b"{") + raw.count(b"[") > limits.metadata_depth and nests_deeper(extra, limits.metadata_depth):
        raise TooLarge(f"metadata: nested deeper than {limits.metadata_depth} levels")
    masked, changed = policy.privacy.clean_json(extra, raw)
    if changed:
        raw = dump(masked)
        _check_size(raw, limits)  # a mask may be longer than what it stands for
    return raw


def _check_size(raw: bytes, limits: Limits) -> None:
    if len(raw) > limits.metadata_bytes:
        raise TooLarge(f"metadata: {len(raw)} bytes, more than {limits.metadata_bytes}")
