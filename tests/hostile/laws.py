"""What holds for every record, whoever sent it: the oracle of the property tests, of the fuzzer and of its corpus.

The limits are spelt out here once more, as the contract and ``schema/tables.md`` have them, and not taken from the
code under test.
"""

import json
from collections.abc import Sequence
from typing import Any, NoReturn

from agents.dead_letters import headers_of
from agents.decoder import Decoder
from pipeline.decode import decode_by_models, decode_chunk, decode_events, event_bytes
from pipeline.fold import FoldPolicy, fold_alone
from pipeline.tidy import DecodePolicy
from schema.reasons import Reason
from schema.rows import DeadLetter, KeptChunk, KeptEvent, Place, Record
from tests.builders import POLICY, REPLAY, decoded_by, record
from tests.hostile.independent import assert_numbers_as_sent, events_in, read

Outcome = KeptEvent | KeptChunk | DeadLetter

INT4 = range(-(2**31), 2**31)
YEAR_2000_US = 946_684_800_000_000
DAY_US = 86_400_000_000
FIRST_US, LAST_US = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The first and the last microsecond that a TIMESTAMP of ours may say: the years 1 to 9999."""

UNREADABLE = (Reason.EMPTY, Reason.MALFORMED_JSON)
MOST_DETAIL = 500
WIDTHS = {"event_type": 50, "screen_name": 255, "element_id": 255, "element_type": 100}
SESSION_WIDTHS = {"device_id": 255, "ip_address": 100, "screen_resolution": 50, "app_version": 50}
USER_WIDTHS = {"external_user_id": 255, "email": 255, "device_type": 50, "locale": 50}
COORDINATES = ("x", "y", "scroll_position", "viewport_width", "viewport_height")

FOLDING = FoldPolicy()


def check(value: bytes | None, policy: DecodePolicy = POLICY) -> list[Outcome]:
    """Return what becomes of ``value``, as an event's record and as a chunk's, if that is lawful.

    Raises:
        AssertionError: it is not. Whatever else is raised is unlawful as well: bad input never stops us.
    """
    return [*check_events(record(value, offset=7), policy), check_chunk(record(value, partition=REPLAY), policy)]


def check_events(sent: Record, policy: DecodePolicy = POLICY) -> list[KeptEvent | DeadLetter]:
    """Return what becomes of a record of the events topic, if that is lawful."""
    outcomes = list(decode_events(sent, policy))
    assert outcomes == list(decode_events(sent, policy)), "decoding is deterministic"
    assert outcomes == list(decode_by_models(sent, policy)), "the quick way and the models agree"
    indexes = [outcome.place.index for outcome in outcomes]
    assert indexes in ([None], list(range(len(indexes)))), "one outcome for all of it, or one per event, in order"
    kept = [outcome for outcome in outcomes if isinstance(outcome, KeptEvent)]
    letters = [outcome for outcome in outcomes if isinstance(outcome, DeadLetter)]
    sorted_out = decoded_by(Decoder(policy, REPLAY.topic), [sent])
    assert (sorted_out.events, sorted_out.chunks, sorted_out.dead_letters) == (kept, [], letters)
    for outcome in outcomes:
        assert (outcome.place.partition, outcome.place.offset) == (sent.partition, sent.offset)
    for letter in letters:
        assert_lawful_letter(letter, sent)
    for event in kept:
        assert_storable(event)
        ((place, value),) = event_bytes(sent, [event.place.index])
        assert place == event.place
        assert value == sent.value or event.place.index is not None
    assert len(fold_alone(kept, [], FOLDING).events) == len(kept)
    assert_as_sent(sent, outcomes)
    return outcomes


def check_chunk(sent: Record, policy: DecodePolicy = POLICY) -> KeptChunk | DeadLetter:
    """Return what becomes of a record of the replay topic, if that is lawful."""
    outcome = decode_chunk(sent, policy)
    assert outcome == decode_chunk(sent, policy), "decoding is deterministic"
    assert outcome.place == Place(sent.partition, sent.offset)
    sorted_out = decoded_by(Decoder(policy, REPLAY.topic), [sent])
    assert [*sorted_out.events, *sorted_out.chunks, *sorted_out.dead_letters] == [outcome]
    if isinstance(outcome, DeadLetter):
        assert_lawful_letter(outcome, sent)
    else:
        assert 0 <= outcome.chunk_index < INT4.stop
        assert_believable(outcome.time_us, outcome.arrival_us)
        assert_json(outcome.chunk_data)
        assert len(fold_alone([], [outcome], FOLDING).session_replay_chunks) == 1
        assert [*event_bytes(sent, [None])] == [(outcome.place, sent.value)]
    return outcome


def assert_as_sent(sent: Record, outcomes: Sequence[KeptEvent | DeadLetter]) -> None:
    """Check against another reading of the record: event by event, and no number changed but by rounding."""
    try:
        message = read(sent.value)
    except ValueError:
        (letter,) = outcomes
        assert isinstance(letter, DeadLetter)
        assert letter.reason in UNREADABLE
        return
    said = events_in(message)
    assert len(outcomes) == (len(said) if said else 1)
    for number, outcome in enumerate(outcomes):
        if isinstance(outcome, KeptEvent):
            assert said
            assert_numbers_as_sent(said[number], outcome)
        else:
            assert outcome.reason not in UNREADABLE


def assert_lawful_letter(letter: DeadLetter, sent: Record) -> None:
    """Check that it carries the record's own bytes, or its event's, and a reason and detail that headers can hold."""
    assert letter.key == sent.key
    assert letter.reason in set(Reason) - {Reason.REJECTED_BY_DATABASE}
    assert 0 < len(letter.detail) <= MOST_DETAIL
    assert all(value.decode("utf-8") for _, value in headers_of(letter))
    if letter.place.index is None:
        assert letter.value == sent.value, "the record's own bytes"
    else:
        assert letter.value is not None
        json.loads(letter.value, parse_int=float, parse_constant=_refuse)


def assert_storable(event: KeptEvent) -> None:
    """Check that every column of every table has room for what the event says."""
    assert_believable(event.time_us, event.arrival_us)
    assert FIRST_US <= event.client_us <= LAST_US
    for name in COORDINATES:
        number = getattr(event, name)
        assert number is None or (type(number) is int and number in INT4), name
    assert event.event_type, "1 to 50 characters"
    _assert_texts(event, WIDTHS)
    _assert_texts(event, {"page_url": None})
    if event.facts is not None:
        _assert_texts(event.facts, {**SESSION_WIDTHS, "user_agent": None})
    if event.user is not None:
        assert event.user.external_user_id
        _assert_texts(event.user, USER_WIDTHS)
    if event.error is not None:
        _assert_texts(event.error, {"error_message": None, "stack_trace": None})
    if event.api_call is not None:
        _assert_texts(event.api_call, {"api_endpoint": None})
        assert 0 <= event.api_call.latency_ms < INT4.stop
        assert 0 <= event.api_call.status_code <= 599
    if event.metadata is not None:
        assert type(assert_json(event.metadata)) is dict


def assert_believable(time_us: int, arrival_us: int) -> None:
    """Check that it is from 2000 on, and no more than a day after its arrival."""
    assert YEAR_2000_US <= time_us <= arrival_us + DAY_US


def assert_json(raw: bytes) -> Any:
    """Return the value of what is to be a JSONB; check that JSONB can hold it."""
    text = raw.decode("utf-8")
    _assert_text(json.dumps(json.loads(text, parse_float=_finite, parse_constant=_refuse), ensure_ascii=False))
    assert "\\u0000" not in text.replace("\\\\", ""), "JSONB has no NUL"
    return json.loads(text)


def _assert_texts(holder: Any, widths: dict[str, Any]) -> None:
    for name, width in widths.items():
        text = getattr(holder, name)
        assert text is None or width is None or len(text) <= width, name
        _assert_text(text or "")


def _assert_text(text: str) -> None:
    assert "\0" not in text
    text.encode("utf-8")  # raises for a lone surrogate


def _finite(spelt: str) -> float:
    number = float(spelt)
    assert abs(number) != float("inf"), "JSONB has no infinity"
    return number


def _refuse(name: str) -> NoReturn:
    raise AssertionError(f"{name} is not JSON")
