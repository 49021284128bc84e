"""Decoding goes by what comes out: a record may say once what is in a thousand events."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import agents.decoder
from agents.decoder import AT_A_STRETCH, ENOUGH, ENOUGH_BYTES, LARGE_BYTES, PLAIN_AT_A_STRETCH, Decoder
from pipeline.decode import decode_events
from pipeline.limits import Limits
from pipeline.tidy import DecodePolicy
from schema.quick_events import MOST_SHARED_BYTES, quick_events
from schema.reasons import Reason
from schema.rows import DeadLetter, KeptEvent, Place, Record
from tests.builders import EVENTS, POLICY, decoded_by, message, record

KINDS: list[dict[str, Any]] = [{}, {"of_ours": 1}, {"x": "bad"}]
"""What makes events plain, in need of the models, and bad."""


def sharing(size: int, events: int, item: dict[str, Any]) -> Record:
    """Return a batch whose events share so many bytes of metadata."""
    return record(message(metadata={"a": "m" * size}, events=[item] * events))


def decoder() -> Decoder:
    return Decoder(POLICY, "session-replay")


@pytest.mark.parametrize("item", KINDS)
def test_a_small_record_does_not_become_a_large_one(item: dict[str, Any]) -> None:
    decoded = decoded_by(decoder(), [sharing(40_000, 700, item)])
    (letter,) = decoded.dead_letters
    assert (letter.reason, decoded.events) == (Reason.TOO_LARGE, [])


@pytest.mark.parametrize(("events", "shared"), [(100, 2_000), (500, 1_900), (10_000, 600)])
def test_what_trackers_share_is_within_the_limit(events: int, shared: int) -> None:
    items = [{"timestamp": 1_704_456_000_000 + n, "x": 100, "y": 100} for n in range(events)]
    sent = record(message(metadata={"a": "m" * shared}, events=items))
    assert len(decoded_by(decoder(), [sent]).events) == events
    assert (quick_events(sent.value or b"") is None) == (events * shared > MOST_SHARED_BYTES)


@pytest.mark.parametrize("item", KINDS)
def test_what_events_share_counts_as_often_as_it_is_there(item: dict[str, Any]) -> None:
    decoded = decoded_by(decoder(), [sharing(10_000, 100, item)])
    assert len(decoded.events) + len(decoded.dead_letters) == 100
    assert 100 * 10_000 < decoded.bytes < 110 * 10_000 + 100 * 200


@pytest.mark.parametrize("field", ["page_url", "user_agent", "stack_trace", "api_endpoint"])
def test_every_text_without_a_bound_counts(field: str) -> None:
    kind: dict[str, Any] = {"stack_trace": {"event_type": "error", "error_message": "e"}}.get(field, {})
    if field == "api_endpoint":
        kind = {"event_type": "api_call", "latency_ms": 1, "status_code": 200}
    sent = record(message(**kind, **{field: "/" + "abcdefg/" * 1_000}, events=[{}] * 100))
    assert decoded_by(decoder(), [sent]).bytes > 100 * 8_000


def test_of_plain_events_the_records_count() -> None:
    records = [record(message(page_url="/shop"), offset=n) for n in range(9)]
    assert decoded_by(decoder(), records).bytes == sum(len(each.value or b"") for each in records)


@pytest.mark.parametrize(
    ("size", "events", "item", "enough"),
    [
        (10, ENOUGH // 2, {}, 2),
        (10, ENOUGH // 2, 5, 2),
        (10_000, 100, {}, ENOUGH_BYTES // 1_000_000 + 1),
        (10_000, 100, {"x": "bad"}, ENOUGH_BYTES // 1_000_000 + 1),
    ],
)
async def test_decoding_stops_where_what_comes_out_is_enough(size: int, events: int, item: Any, enough: int) -> None:
    decoded = await decoder().decode([sharing(size, events, item)] * 20)
    assert decoded.records in (enough, enough - 1)
    assert decoded.is_enough


@pytest.mark.parametrize(
    ("records", "events"),
    [
        ([sharing(10, 3 * AT_A_STRETCH, {"of_ours": 1})], 3 * AT_A_STRETCH),
        ([record(message(page_url="/shop"), offset=n) for n in range(3 * PLAIN_AT_A_STRETCH)], 3 * PLAIN_AT_A_STRETCH),
        ([sharing(10, PLAIN_AT_A_STRETCH, {})] * 3, 3 * PLAIN_AT_A_STRETCH),
    ],
    ids=["large record", "plain records", "plain batches"],
)
async def test_others_run_in_the_midst_of_decoding(records: list[Record], events: int) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.ensure_future(count())
    decoded = await decoder().decode(records)
    other.cancel()
    assert len(decoded.events) == events
    assert turns >= 3


def test_what_the_database_refused_is_forgotten_once_it_is_written_or_another_workers() -> None:
    remembering = decoder()
    remembering.poison = {Place(EVENTS, offset, 0): "refused" for offset in (3, 4)}
    sent = record(message(events=[{}]), offset=4)
    assert [isinstance(letter, DeadLetter) for letter in decoded_by(remembering, [sent]).dead_letters] == [True]
    remembering.forget_poison({EVENTS: 4})
    assert remembering.poison.keys() == {Place(EVENTS, 4, 0)}
    remembering.forget_poison({EVENTS: 5})
    assert remembering.poison == {}
    remembering.poison = {Place(EVENTS, 4): "refused"}
    remembering.forget_poison({})
    assert remembering.poison == {}
    assert decoded_by(remembering, [sent]).dead_letters == []


@pytest.mark.parametrize("item", KINDS)
async def test_a_large_record_is_decoded_beside_the_loop(monkeypatch: pytest.MonkeyPatch, item: dict[str, Any]) -> None:
    beside: list[bool] = []

    def watched(record: Record, policy: DecodePolicy) -> Iterator[KeptEvent | DeadLetter]:
        beside.append(threading.current_thread() is not threading.main_thread())
        return decode_events(record, policy)

    monkeypatch.setattr(agents.decoder, "decode_events", watched)
    small, large = sharing(100, 2, item), sharing(LARGE_BYTES, 2, item)
    decoded = await decoder().decode([small, large])
    assert len(decoded.events) + len(decoded.dead_letters) == 4
    assert beside == [True]


def test_no_text_has_more_bytes_than_it_may() -> None:
    most = Limits().metadata_bytes
    sent = [record(message(element_id="é" * (most // 2 + more)), offset=more) for more in (0, 1)]
    (refused,) = decoded_by(decoder(), sent[1:]).dead_letters
    assert (refused.reason, refused.detail) == (Reason.TOO_LARGE, f"element_id: {most + 2} bytes, more than {most}")
