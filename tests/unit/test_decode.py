"""What becomes of a record's bytes: events kept, or dead letters with a reason and a detail."""

import json
from typing import Any

import pytest

from pipeline.decode import MAX_DETAIL, decode_chunk, decode_events
from pipeline.limits import Limits
from schema.events import Event, User
from schema.reasons import Reason
from schema.rows import DeadLetter, KeptChunk, KeptEvent, Place
from tests.builders import EVENTS, NOON_US, OTHER_SESSION, POLICY, SESSION, chunk_message, message, numbered, record

INT4_MAX = 2**31 - 1


def outcomes(value: Any) -> list[KeptEvent | DeadLetter]:
    """Decode one record of the events topic."""
    return list(decode_events(record(value, offset=7), POLICY))


def only_event(value: Any) -> KeptEvent:
    """Return the event that ``value`` has to come to."""
    (outcome,) = outcomes(value)
    assert isinstance(outcome, KeptEvent), outcome
    return outcome


def refused(value: Any) -> DeadLetter:
    """Return the one dead letter that ``value`` has to come to."""
    (outcome,) = outcomes(value)
    assert isinstance(outcome, DeadLetter)
    return outcome


# fmt: off
REFUSED: list[tuple[Any, Reason, str]] = [
    (None, Reason.EMPTY, "no value"),
    (b"", Reason.EMPTY, "no value"),
    (b"{", Reason.MALFORMED_JSON, "EOF"),
    (b'{"a": "\xff"}', Reason.MALFORMED_JSON, "unicode"),
    (b'{"x": NaN}', Reason.MALFORMED_JSON, "expected"),
    (b"[" * 201 + b"0" + b"]" * 201, Reason.MALFORMED_JSON, "recursion"),
    (b"[]", Reason.NOT_AN_OBJECT, "not a JSON object"),
    (b"null", Reason.NOT_AN_OBJECT, "not a JSON object"),
    (message(session_id=...), Reason.MISSING_FIELD, "session_id: "),
    (message(session_id=None), Reason.MISSING_FIELD, "session_id: "),
    (message(event_type=...), Reason.MISSING_FIELD, "event_type: "),
    (message(event_type=None), Reason.MISSING_FIELD, "event_type: "),
    (message(timestamp=...), Reason.MISSING_FIELD, "timestamp: "),
    (message(timestamp=None), Reason.MISSING_FIELD, "timestamp: "),
    (message(event_type="api_call", api_endpoint="/", latency_ms=1), Reason.MISSING_FIELD, "status_code: needed by"),
    (message(event_type="api_call", api_endpoint="/", status_code=1), Reason.MISSING_FIELD, "latency_ms: "),
    (message(event_type="api_call", latency_ms=1, status_code=1), Reason.MISSING_FIELD, "api_endpoint: "),
    (message(event_type="error"), Reason.MISSING_FIELD, "error_message: needed by event type error"),
    (message(event_type="identify"), Reason.MISSING_FIELD, "user: needed by event type identify"),
    (message(event_type="identify", user={"email": "a@b.c"}), Reason.MISSING_FIELD, "user.external_user_id: "),
    (message(event_type="identify", user={"external_user_id": ""}), Reason.MISSING_FIELD, "user.external_user_id: "),
    (message(session_id=5), Reason.WRONG_TYPE, "session_id: "),
    (message(event_type=5), Reason.WRONG_TYPE, "event_type: "),
    (message(timestamp=True), Reason.WRONG_TYPE, "timestamp: "),
    (message(timestamp=1.5), Reason.WRONG_TYPE, "timestamp: "),
    (message(sent_at=[]), Reason.WRONG_TYPE, "sent_at: "),
    (message(page_url=5), Reason.WRONG_TYPE, "page_url: "),
    (message(element_id=True), Reason.WRONG_TYPE, "element_id: "),
    (message(x="5"), Reason.WRONG_TYPE, "x: is not a number"),
    (message(y=True), Reason.WRONG_TYPE, "y: is not a number"),
    (message(metadata=[]), Reason.WRONG_TYPE, "metadata: "),
    (message(metadata="{}"), Reason.WRONG_TYPE, "metadata: "),
    (message(user="me"), Reason.WRONG_TYPE, "user: "),
    (message(user={"email": 5}), Reason.WRONG_TYPE, "user.email: "),
    (message(status_code=200.5), Reason.WRONG_TYPE, "status_code: is not an integer"),
    (message(session_id="5"), Reason.INVALID_VALUE, "session_id: "),
    (message(event_uuid="no"), Reason.INVALID_VALUE, "event_uuid: "),
    (message(event_type=""), Reason.INVALID_VALUE, "event_type: "),
    (message(event_type="x" * 51), Reason.INVALID_VALUE, "event_type: "),
    (message(timestamp="noon"), Reason.INVALID_VALUE, "timestamp: is not an ISO-8601"),
    (message(x=INT4_MAX + 1), Reason.OUT_OF_RANGE, "x: does not fit"),
    (message(viewport_width=10**400), Reason.OUT_OF_RANGE, "viewport_width: does not fit"),
    (message(status_code=600), Reason.OUT_OF_RANGE, "status_code: is not within"),
    (message(latency_ms=-1), Reason.OUT_OF_RANGE, "latency_ms: is below 0"),
    (b'{"new":' + b"9" * 4301 + b"," + json.dumps(message()).encode()[1:], Reason.OUT_OF_RANGE, "infinity"),
    (b'{"x":1e999,' + json.dumps(message()).encode()[1:], Reason.OUT_OF_RANGE, "x: is too large"),
    (b'{"new":1e999,' + json.dumps(message()).encode()[1:], Reason.OUT_OF_RANGE, "infinity"),
    (message(timestamp="1999-12-31T23:59:59.999999Z"), Reason.OUT_OF_RANGE, "timestamp: is before 2000"),
    (message(timestamp="2024-01-06T12:00:00.000001Z"), Reason.OUT_OF_RANGE, "timestamp: is more than a day after"),
    (message(timestamp=10**30), Reason.OUT_OF_RANGE, "timestamp: "),
    (message(timestamp="9999-12-31T23:59:59Z"), Reason.OUT_OF_RANGE, "timestamp: "),
    (message(timestamp="0001-01-01"), Reason.OUT_OF_RANGE, "timestamp: "),
    ({"events": {}}, Reason.WRONG_TYPE, "events: is not a list"),
    ({"events": None}, Reason.WRONG_TYPE, "events: is not a list"),
    ({"events": []}, Reason.INVALID_VALUE, "events: is an empty list"),
]
# fmt: on


@pytest.mark.parametrize(("value", "reason", "detail"), REFUSED, ids=lambda part: str(part)[-60:])
def test_what_is_refused_says_why_and_keeps_its_bytes(value: Any, reason: Reason, detail: str) -> None:
    letter = refused(value)
    assert letter.reason is reason
    assert detail in letter.detail
    assert len(letter.detail) <= MAX_DETAIL
    sent = record(value)
    assert letter == DeadLetter(Place(EVENTS, 7), reason, letter.detail, sent.key, sent.value, sent.arrival_us)


def test_a_detail_names_every_wrong_field_within_500_characters() -> None:
    assert refused(message(x="1", y="2", session_id="no")).detail.endswith("(and 2 more: x, y)")
    every = {name: {"deep": 1} for name in Event.model_fields} | {"user": dict.fromkeys(User.model_fields, 1)}
    detail = refused(message(**every)).detail
    assert all(name in detail for name in Event.model_fields if name != "metadata")
    assert MAX_DETAIL == 500 >= len(detail)


@pytest.mark.parametrize("length", [1, 49, 50])
def test_any_event_type_of_1_to_50_characters_is_kept(length: int) -> None:
    assert only_event(message(event_type="é" * length)).event_type == "é" * length


def test_null_is_the_same_as_absent() -> None:
    optional = "event_uuid sent_at page_url screen_name x metadata api_endpoint latency_ms status_code user ip_address"
    nothing = dict.fromkeys(optional.split())
    assert only_event(message(**nothing)) == only_event(message())


def test_nul_and_lone_surrogates_in_texts_become_replacement_characters() -> None:
    event = only_event(message(element_id="a\0b", page_url="/\ud800", metadata={"\0": "\udfff"}))
    assert (event.element_id, event.page_url, event.screen_name) == ("a\ufffdb", "/\ufffd", "/\ufffd")
    assert event.metadata == '{"\ufffd":"\ufffd"}'.encode()


@pytest.mark.parametrize(("levels", "is_kept"), [(197, True), (198, True), (199, False)])
def test_metadata_may_nest_to_200_levels_of_the_whole_record(levels: int, is_kept: bool) -> None:
    # record 1, metadata 2, and then the lists
    raw = json.dumps(message(metadata={"m": 0})).replace('"m": 0', '"m": ' + "[" * levels + "0" + "]" * levels)
    (outcome,) = outcomes(raw.encode())
    assert isinstance(outcome, KeptEvent) is is_kept
    assert is_kept or outcome.reason is Reason.MALFORMED_JSON  # type: ignore[union-attr]


def test_a_batchs_shared_fields_fill_in_and_an_events_own_value_wins() -> None:
    events = [{}, {"session_id": str(OTHER_SESSION), "app_version": "2"}, {"element_id": "e"}]
    shared = message(app_version="1", tenant="t", user={"external_user_id": "me"})
    first, second, third = outcomes(shared | {"events": events})
    assert isinstance(first, KeptEvent)
    assert isinstance(second, KeptEvent)
    assert isinstance(third, KeptEvent)
    assert [event.session_id for event in (first, second, third)] == [SESSION, OTHER_SESSION, SESSION]
    assert [event.facts and event.facts.app_version for event in (first, second, third)] == ["1", "2", "1"]
    assert [event.place for event in (first, second, third)] == [Place(EVENTS, 7, index) for index in range(3)]
    assert {event.metadata for event in (first, second, third)} == {b'{"tenant":"t"}'}
    assert all(event.user and event.user.external_user_id == "me" for event in (first, second, third))


def test_a_null_of_an_event_does_not_hide_what_its_batch_shares() -> None:
    (event,) = outcomes(message(events=[{"session_id": None, "app_version": None, "odd": None}], app_version="1"))
    assert isinstance(event, KeptEvent)
    assert event.session_id == SESSION
    assert event.facts
    assert event.facts.app_version == "1"


def test_one_bad_event_of_a_batch_alone_is_refused_with_what_is_shared_filled_in() -> None:
    events = [{"element_id": "a"}, {"x": "?"}, 5, {"element_id": "b"}]
    first, bad, worse, last = outcomes(message(events=events, app_version="1"))
    assert isinstance(first, KeptEvent)
    assert isinstance(last, KeptEvent)
    assert isinstance(bad, DeadLetter)
    assert (bad.place, bad.reason) == (Place(EVENTS, 7, 1), Reason.WRONG_TYPE)
    assert json.loads(bad.value or b"") == message(app_version="1", x="?")
    assert isinstance(worse, DeadLetter)
    assert (worse.place.index, worse.reason, worse.value) == (2, Reason.NOT_AN_OBJECT, b"5")
    assert "events.2" in worse.detail


def test_a_bad_event_with_an_infinite_number_is_dead_lettered_alone_and_as_it_was_sent() -> None:
    raw = json.dumps(message(events=[{"metadata": {"a": 9}}, {}])).replace("9", "1e999").encode()
    bad, good = outcomes(raw)
    assert isinstance(bad, DeadLetter)
    assert isinstance(good, KeptEvent)
    assert (bad.reason, bad.place.index) == (Reason.OUT_OF_RANGE, 0)
    assert (bad.value or b"").endswith(b'"metadata":{"a":1e999}}')


@pytest.mark.parametrize("digits", ["9" * 4301, "-1" + "0" * 9000])
@pytest.mark.parametrize("field", ["x", "timestamp", "sent_at", "latency_ms", "status_code", "metadata", "unknown"])
def test_an_integer_of_more_digits_than_python_reads_refuses_its_event_alone(field: str, digits: str) -> None:
    bad = {field: {"deep": [77.5]} if field == "metadata" else 77.5}
    raw = json.dumps(message(events=[{}, bad, {}], app_version="1")).replace("77.5", digits).encode()
    first, refused, last = outcomes(raw)
    assert isinstance(first, KeptEvent)
    assert isinstance(last, KeptEvent)
    assert isinstance(refused, DeadLetter)
    assert (refused.reason, refused.place.index) == (Reason.OUT_OF_RANGE, 1)
    spelt = json.dumps(message(app_version="1") | bad, separators=(",", ":"))
    assert (refused.value or b"").decode() == spelt.replace("77.5", digits)


def test_a_chunk_is_kept_as_json_and_dated_by_its_arrival_unless_it_says_when() -> None:
    outcome = decode_chunk(record(chunk_message(extra=1), offset=3), POLICY)
    assert outcome == KeptChunk(Place(EVENTS, 3), NOON_US, NOON_US, SESSION, 0, b'[{"type":4}]')
    dated = decode_chunk(record(chunk_message(timestamp=NOON_US // 1000 - 1)), POLICY)
    assert isinstance(dated, KeptChunk)
    assert dated.time_us == NOON_US - 1000


@pytest.mark.parametrize("data", [0, False, "", [], {}])
def test_chunk_data_may_be_any_json_but_null(data: Any) -> None:
    outcome = decode_chunk(record(chunk_message(chunk_data=data)), POLICY)
    assert isinstance(outcome, KeptChunk)
    assert json.loads(outcome.chunk_data) == data


# fmt: off
REFUSED_CHUNKS: list[tuple[Any, Reason]] = [
    (None, Reason.EMPTY),
    (b"{", Reason.MALFORMED_JSON),
    (b"[]", Reason.NOT_AN_OBJECT),
    (chunk_message(session_id=...), Reason.MISSING_FIELD),
    (chunk_message(chunk_index=...), Reason.MISSING_FIELD),
    (chunk_message(chunk_index=None), Reason.MISSING_FIELD),
    (chunk_message(chunk_data=...), Reason.MISSING_FIELD),
    (chunk_message(chunk_data=None), Reason.MISSING_FIELD),
    (chunk_message(chunk_index="0"), Reason.WRONG_TYPE),
    (chunk_message(chunk_index=True), Reason.WRONG_TYPE),
    (chunk_message(chunk_index=0.5), Reason.WRONG_TYPE),
    (chunk_message(chunk_index=-1), Reason.OUT_OF_RANGE),
    (chunk_message(chunk_index=INT4_MAX + 1), Reason.OUT_OF_RANGE),
    (chunk_message(timestamp="soon"), Reason.INVALID_VALUE),
    (chunk_message(timestamp=0), Reason.OUT_OF_RANGE),
    (json.dumps(chunk_message(chunk_data=9)).replace("9", "1e999").encode(), Reason.OUT_OF_RANGE),
    (json.dumps(chunk_message(chunk_data=9)).replace("9", "9" * 4301).encode(), Reason.OUT_OF_RANGE),
]
# fmt: on


@pytest.mark.parametrize(("value", "reason"), REFUSED_CHUNKS, ids=lambda part: str(part)[-60:])
def test_a_bad_chunk_is_refused_with_its_own_bytes(value: Any, reason: Reason) -> None:
    outcome = decode_chunk(record(value), POLICY)
    assert isinstance(outcome, DeadLetter)
    assert (outcome.reason, outcome.value) == (reason, record(value).value)


def test_ids_may_be_written_as_any_uuid_text() -> None:
    assert only_event(message(event_uuid=str(numbered(1)).upper())).event_uuid == numbered(1)


@pytest.mark.parametrize(("count", "refused"), [(Limits().batch_events, False), (Limits().batch_events + 1, True)])
def test_a_batch_holds_so_many_events_at_most(count: int, refused: bool) -> None:
    found = outcomes(message(events=[{}] * count))
    assert len(found) == (1 if refused else count)
    assert isinstance(found[0], DeadLetter) == refused


@pytest.mark.parametrize(
    ("shared", "events", "refused"),
    [  # 2 MiB, 16 times the record's size, 32 MiB
        (20_000, 104, False),
        (20_000, 105, True),
        (1_000_000, 16, False),
        (1_000_000, 17, True),
        (3_000_000, 11, False),
        (3_000_000, 12, True),
    ],
)
def test_a_batch_cannot_become_much_more_than_it_is(shared: int, events: int, refused: bool) -> None:
    found = outcomes(message(metadata={"a": "x" * shared}, events=[{"x": "bad"}] * events))
    assert len(found) == (1 if refused else events)
    assert isinstance(found[0], DeadLetter)
    assert ("what they share" in found[0].detail) == refused
