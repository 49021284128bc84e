"""Makes messages, records, kept events and flushes with defaults, so that a test names only what it is about."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, Self
from uuid import UUID

from agents.decoder import Decoded, Decoder
from pipeline.decode import decode_chunk, decode_events
from pipeline.flush import Flush, Span
from pipeline.simulation import Delivery
from pipeline.sinks.contract import Claim, Sink, Written
from pipeline.tidy import DecodePolicy
from schema.rows import DeadLetter, KeptChunk, KeptEvent, Partition, Place, Record, SessionFacts, UserFacts

EVENTS = Partition("ui-events", 0)
REPLAY = Partition("session-replay", 0)
TOPICS = (EVENTS.topic, REPLAY.topic)
APP = "tested"
SESSION = UUID("5e551011-0000-4000-8000-000000000001")
OTHER_SESSION = UUID("5e551011-0000-4000-8000-000000000002")
USER = UUID("0000aaaa-0000-4000-8000-000000000001")
NOON_US = 1_704_456_000_000_000
"""2024-01-05 12:00 UTC: when everything here happens unless said otherwise; any clock is past it."""

NOON = "2024-01-05T12:00:00Z"
DAY_S = 24 * 3600
POLICY = DecodePolicy()


def at(seconds: float) -> int:
    """Return the instant this long after noon, in microseconds."""
    return NOON_US + round(seconds * 1_000_000)


def numbered(number: int) -> UUID:
    """Return an id that tests can tell from the others."""
    return UUID(int=0xE0E0_0000_0000_4000_8000_0000_0000_0000 + number)


def message(**fields: Any) -> dict[str, Any]:
    """Return an event as a tracker sends it; ``field=...`` leaves that field out."""
    whole = {"session_id": str(SESSION), "event_type": "click", "timestamp": NOON} | fields
    return {name: value for name, value in whole.items() if value is not ...}


def chunk_message(**fields: Any) -> dict[str, Any]:
    """Return a replay chunk as a tracker sends it; ``field=...`` leaves that field out."""
    whole = {"session_id": str(SESSION), "chunk_index": 0, "chunk_data": [{"type": 4}]} | fields
    return {name: value for name, value in whole.items() if value is not ...}


def record(
    value: Mapping[str, Any] | bytes | None,
    *,
    offset: int = 0,
    arrival_us: int = NOON_US,
    partition: Partition = EVENTS,
) -> Record:
    """Return a record that carries ``value``."""
    raw = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
    return Record(partition, offset, arrival_us, str(SESSION).encode(), raw)


def decoded_by(decoder: Decoder, records: Sequence[Record]) -> Decoded:
    """Return what ``decoder`` makes of all ``records``, however many pieces that takes it, letting nobody else run."""
    return asyncio.run(_decoded_by(decoder, records))


async def _decoded_by(decoder: Decoder, records: Sequence[Record]) -> Decoded:
    whole = Decoded()
    while whole.records < len(records):
        piece = await decoder.decode(records[whole.records :])
        whole.events += piece.events
        whole.chunks += piece.chunks
        whole.dead_letters += piece.dead_letters
        whole.records += piece.records
        whole.bytes += piece.bytes
    return whole


def kept(seconds: float = 0, event_type: str = "click", *, offset: int = 0, **fields: Any) -> KeptEvent:
    """Return an accepted event that happened, and arrived, this long after noon."""
    defaults: dict[str, Any] = {"session_id": SESSION, "arrival_us": at(seconds), "client_us": at(seconds)}
    return KeptEvent(Place(EVENTS, offset), time_us=at(seconds), event_type=event_type, **(defaults | fields))


def busy(begin: float, end: float, **fields: Any) -> list[KeptEvent]:
    """Return two events a second from ``begin`` until ``end``: enough to judge every whole window by."""
    kinds = ("mouse_move", "click", "scroll", "mouse_move")
    return [
        kept(half / 2, kinds[half % 4], event_uuid=numbered(half), x=half % 97, y=half % 89, **fields)
        for half in range(round(2 * begin), round(2 * end))
    ]


def kept_chunk(index: int = 0, seconds: float = 0, *, offset: int = 0, **fields: Any) -> KeptChunk:
    """Return an accepted replay chunk that happened, and arrived, this long after noon."""
    defaults: dict[str, Any] = {"session_id": SESSION, "arrival_us": at(seconds), "chunk_data": b"[]"}
    return KeptChunk(Place(REPLAY, offset), time_us=at(seconds), chunk_index=index, **(defaults | fields))


def facts(**said: str) -> SessionFacts:
    """Return session facts, nothing said beyond ``said``."""
    return SessionFacts(**(dict.fromkeys(SessionFacts._fields) | said))


def user(user_id: UUID = USER, **said: str) -> UserFacts:
    """Return facts of the person with this id."""
    nothing: dict[str, Any] = {
        "external_user_id": f"external {user_id}",
        "email": None,
        "device_type": None,
        "locale": None,
    }
    return UserFacts(user_id, **(nothing | said))


class Owner:
    """Writes flush after flush of one partition under one claim, as a worker does."""

    def __init__(self, sink: Sink, partition: Partition, claim: Claim) -> None:
        self.sink, self.partition, self.claim = sink, partition, claim

    @classmethod
    async def of(cls, sink: Sink, partition: Partition = EVENTS) -> Self:
        """Claim ``partition``."""
        return cls(sink, partition, (await sink.claim([partition]))[partition])

    def flush(self, *items: KeptEvent | KeptChunk, arrival_us: int = NOON_US) -> Flush:
        """Return what writes ``items`` from where the claim stands, an offset each."""
        begin = self.claim.next_offset
        span = Span(self.claim.epoch, begin, begin + max(1, len(items)), arrival_us)
        events = [item for item in items if isinstance(item, KeptEvent)]
        chunks = [item for item in items if isinstance(item, KeptChunk)]
        return Flush({self.partition: span}, events, chunks)

    async def write(self, *items: KeptEvent | KeptChunk, arrival_us: int = NOON_US) -> Written:
        """Write ``items`` in one flush and move on."""
        flush = self.flush(*items, arrival_us=arrival_us)
        written = await self.sink.write(flush)
        self.claim = Claim(self.claim.epoch, flush.spans[self.partition].to_offset)
        return written


def decoded(delivery: Delivery, offset: int) -> list[KeptEvent | KeptChunk]:
    """Return what a simulated delivery comes to as the record at ``offset``."""
    partition = REPLAY if delivery.is_replay else EVENTS
    carried = record(delivery.message, offset=offset, arrival_us=delivery.sent_at_ms * 1000, partition=partition)
    outcomes = [decode_chunk(carried, POLICY)] if delivery.is_replay else list(decode_events(carried, POLICY))
    return [outcome for outcome in outcomes if not isinstance(outcome, DeadLetter)]
