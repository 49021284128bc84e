"""The JSON Schemas for tracker authors say of a message what decoding says of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from pipeline.decode import decode_chunk, decode_events
from pipeline.simulation import Traffic, simulate
from schema.json_schema import events_topic, replay_topic
from schema.rows import DeadLetter
from tests.builders import NOON_US, POLICY, chunk_message, message, record

FORMATS = FormatChecker(["uuid"])
EVENTS = Draft202012Validator(events_topic(), format_checker=FORMATS)
REPLAY = Draft202012Validator(replay_topic(), format_checker=FORMATS)
RECORDED = Path(__file__).parents[1] / "data" / "recorded-session.jsonl"
INT4_MAX = 2**31 - 1


def recorded() -> Iterator[Any]:
    """Return the lines of a session that a browser recorded."""
    return map(json.loads, RECORDED.read_text("utf-8").splitlines())


def simulated() -> Iterator[Any]:
    """Return what simulated trackers send, alone and in batches, with replay."""
    for batch_size in (1, 20):
        traffic = Traffic(sessions_per_minute=60, batch_size=batch_size, replay=True)
        yield from (found.message for found in simulate(traffic, events=1500, seed=3, start_ms=NOON_US // 1000))


@pytest.mark.parametrize("schema", [EVENTS.schema, REPLAY.schema], ids=["events", "replay"])
def test_schemas_are_schemas(schema: Any) -> None:
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("messages", [simulated, recorded])
def test_every_message_that_trackers_send_is_valid(messages: Any) -> None:
    kinds = set()
    for each in messages():
        is_chunk = "chunk_index" in each
        kinds.add((is_chunk, "events" in each))
        (REPLAY if is_chunk else EVENTS).validate(each)
    assert kinds >= {(True, False), (False, False)}


# fmt: off
GOOD = [
    message(), message(unknown=[1]), message(x=None, user=None, metadata=None),
    message(x=0.5, timestamp=NOON_US // 1000),
    message(event_type="x" * 50), message(x=INT4_MAX, y=-INT4_MAX - 1), message(metadata={"deep": [{"a": None}]}),
    message(event_type="api_call", api_endpoint="", latency_ms=0.5, status_code=0), message(status_code=599.0),
    message(event_type="error", error_message=""), message(event_type="identify", user={"external_user_id": "me"}),
    {"events": [message()]}, message(events=[{}, {"event_type": "error", "error_message": "e"}]),
]
BAD = [
    5, [], None, {}, message(session_id=...), message(session_id=5), message(session_id="no"), message(event_type=...),
    message(event_type=""), message(event_type="x" * 51), message(event_type=None), message(timestamp=...),
    message(timestamp=None), message(timestamp=1.5), message(timestamp=True), message(sent_at={}),
    message(event_uuid="no"),
    message(x="5"), message(x=True), message(x=INT4_MAX + 1), message(y=-INT4_MAX - 2), message(scroll_position=[]),
    message(page_url=5), message(element_id=False), message(metadata=[]), message(metadata="{}"), message(user="me"),
    message(user={"email": 5}), message(status_code=-1), message(status_code=600), message(status_code=200.5),
    message(latency_ms=-1), message(latency_ms="5"), message(event_type="api_call"),
    message(event_type="api_call", api_endpoint="/", latency_ms=1, status_code=None),
    message(event_type="error"), message(event_type="error", error_message=None),
    message(event_type="identify"), message(event_type="identify", user=None), message(event_type="identify", user={}),
    message(event_type="identify", user={"external_user_id": None}),
    message(event_type="identify", user={"external_user_id": ""}),
    {"events": []}, {"events": None}, {"events": {}}, {"events": [5]}, message(events=[{"x": "5"}]),
    message(events=[{}], app_version=5),
]
GOOD_CHUNKS = [
    chunk_message(), chunk_message(chunk_index=INT4_MAX), chunk_message(chunk_index=1.0), chunk_message(extra=1),
    chunk_message(chunk_data=0), chunk_message(chunk_data={}), chunk_message(timestamp=None),
    chunk_message(timestamp="2024-01-05T12:00:00Z"),
]
BAD_CHUNKS = [
    5, [], chunk_message(session_id=...), chunk_message(chunk_index=...), chunk_message(chunk_index=None),
    chunk_message(chunk_index="1"), chunk_message(chunk_index=0.5), chunk_message(chunk_index=-1),
    chunk_message(chunk_index=INT4_MAX + 1), chunk_message(chunk_index=True), chunk_message(chunk_data=...),
    chunk_message(chunk_data=None), chunk_message(timestamp=True), chunk_message(timestamp=0.5),
]
# fmt: on


def is_refused(value: Any, *, chunk: bool) -> bool:
    """Return whether decoding refuses anything of ``value``."""
    carried = record(json.dumps(value).encode())
    outcomes = [decode_chunk(carried, POLICY)] if chunk else list(decode_events(carried, POLICY))
    return any(isinstance(outcome, DeadLetter) for outcome in outcomes)


def verdicts(validator: Draft202012Validator, value: Any, *, chunk: bool) -> tuple[bool, bool]:
    """Return whether the schema accepts ``value``, and whether decoding does."""
    return validator.is_valid(value), not is_refused(value, chunk=chunk)


@pytest.mark.parametrize("value", GOOD, ids=str)
def test_schema_and_decoding_both_accept_a_good_event(value: Any) -> None:
    assert verdicts(EVENTS, value, chunk=False) == (True, True)


@pytest.mark.parametrize("value", BAD, ids=str)
def test_schema_and_decoding_both_refuse_a_bad_event(value: Any) -> None:
    assert verdicts(EVENTS, value, chunk=False) == (False, False)


@pytest.mark.parametrize("value", GOOD_CHUNKS, ids=str)
def test_schema_and_decoding_both_accept_a_good_chunk(value: Any) -> None:
    assert verdicts(REPLAY, value, chunk=True) == (True, True)


@pytest.mark.parametrize("value", BAD_CHUNKS, ids=str)
def test_schema_and_decoding_both_refuse_a_bad_chunk(value: Any) -> None:
    assert verdicts(REPLAY, value, chunk=True) == (False, False)
