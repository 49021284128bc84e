"""Decodes the records of a batch, and keeps out what the database has refused before.

What a record says once for many events is in each of them afterwards. So decoding goes by what comes out: it stops
where that is enough for once, and lets others run in the midst of a large record.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.decode import decode_by_models, decode_chunk, decode_events, event_bytes, plain_events
from pipeline.tidy import DecodePolicy
from schema.reasons import Reason
from schema.rows import DeadLetter, KeptChunk, KeptEvent, Partition, Place, Record

Outcome = KeptEvent | KeptChunk | DeadLetter

ENOUGH = 2_000
"""Outcomes after which no further record is decoded for now: as many as there are plain records at once."""

ENOUGH_BYTES = 4 * 1024 * 1024
"""As many as the records that come at once have together, where they become no more than they are."""

LARGE_BYTES = 64 * 1024
"""Of a record: less takes at most some 60 ms to decode and mask, more is done in a thread."""

AT_A_STRETCH = 200
"""Outcomes of the models' way after which others may run: some 20 ms."""

PLAIN_AT_A_STRETCH = 500
"""Plain events after which others may run: some 5 to 10 ms."""


@dataclass(slots=True)
class Decoded:
    """What became of the first ``records`` of a batch, of ``record_bytes``.

    ``bytes``: what of it has no bound of its own in memory, so what a batch says once as often as it is repeated.
    """

    events: list[KeptEvent] = field(default_factory=list)
    chunks: list[KeptChunk] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    records: int = 0
    record_bytes: int = 0
    bytes: int = 0

    @property
    def is_enough(self) -> bool:
        """Whether this is worth to be folded in before more is decoded."""
        return len(self.events) + len(self.dead_letters) >= ENOUGH or self.bytes >= ENOUGH_BYTES


class Decoder:
    """Decoding with a memory for poison: places whose rows the database refused."""

    def __init__(self, policy: DecodePolicy, replay_topic: str) -> None:
        self._policy = policy
        self._replay_topic = replay_topic
        self.poison: dict[Place, str] = {}

    async def decode(self, records: Sequence[Record]) -> Decoded:
        """Return what is kept and what is dead-lettered of the first of ``records``: all, or as many as are enough."""
        decoded = Decoded()
        pause_at = PLAIN_AT_A_STRETCH
        for record in records:
            size = len(record.value or b"")
            if record.partition.topic == self._replay_topic:
                self._put(record, await self._decode_chunk(record), decoded)
            elif size > LARGE_BYTES:
                await self._sort(record, await asyncio.to_thread(self._decode_large, record), decoded)
            elif (plain := plain_events(record, self._policy)) and not self.poison:
                decoded.events.extend(plain)
                if plain[0].place.index is not None:
                    decoded.bytes += sum(map(_text_bytes, plain))
            else:
                await self._sort(record, plain or decode_by_models(record, self._policy), decoded)
            decoded.records += 1
            decoded.record_bytes += size
            decoded.bytes += size
            if decoded.is_enough:
                break
            if len(decoded.events) >= pause_at:
                pause_at = len(decoded.events) + PLAIN_AT_A_STRETCH
                await asyncio.sleep(0)
        return decoded

    def refused(
        self, records: Iterable[Record], refused: Iterable[tuple[KeptEvent | KeptChunk, str]]
    ) -> list[DeadLetter]:
        """Return a dead letter for each of ``refused``, which came from ``records``, with its detail."""
        details: dict[int, dict[int | None, str]] = {}
        for kept, detail in refused:
            details.setdefault(kept.place.offset, {})[kept.place.index] = detail
        return [
            DeadLetter(
                place, Reason.TOO_MANY, details[record.offset][place.index], record.key, value, record.arrival_us
            )
            for record in records
            if record.offset in details
            for place, value in event_bytes(record, details[record.offset])
        ]

    def forget_poison(self, written_to: Mapping[Partition, int]) -> None:
        """Let go of places that are not to be read again: below ``written_to``, and of partitions without one."""
        self.poison = {
            place: detail
            for place, detail in self.poison.items()
            if place.partition in written_to and place.offset >= written_to[place.partition]
        }

    async def _decode_chunk(self, record: Record) -> KeptChunk | DeadLetter:
        """Decode a large one, which may take seconds, beside the loop; let others run between small ones."""
        if len(record.value or b"") > LARGE_BYTES:
            return await asyncio.to_thread(decode_chunk, record, self._policy)
        await asyncio.sleep(0)
        return decode_chunk(record, self._policy)

    def _decode_large(self, record: Record) -> list[KeptEvent | DeadLetter]:
        return list(decode_events(record, self._policy))

    async def _sort(self, record: Record, outcomes: Iterable[Outcome], decoded: Decoded) -> None:
        """Put into ``decoded`` what came of ``record``, letting others run at times."""
        for number, outcome in enumerate(outcomes, 1):
            self._put(record, outcome, decoded)
            if number % AT_A_STRETCH == 0:
                await asyncio.sleep(0)

    def _put(self, record: Record, each: Outcome, decoded: Decoded) -> None:
        outcome = self._unless_poison(record, each)
        if isinstance(outcome, KeptEvent):
            decoded.events.append(outcome)
            decoded.bytes += 0 if outcome.place.index is None else _text_bytes(outcome)
        elif isinstance(outcome, KeptChunk):
            decoded.chunks.append(outcome)
        else:
            decoded.dead_letters.append(outcome)
            decoded.bytes += 0 if outcome.place.index is None else len(outcome.value or b"")

    def _unless_poison(self, record: Record, outcome: Outcome) -> Outcome:
        detail = self.poison.get(outcome.place)
        if detail is None:
            return outcome
        ((_, value),) = event_bytes(record, [outcome.place.index])
        return DeadLetter(outcome.place, Reason.REJECTED_BY_DATABASE, detail, record.key, value, record.arrival_us)


def _text_bytes(event: KeptEvent) -> int:
    """Return the size of what no column bounds: in an event of a batch it may be a copy of its own."""
    size = 0
    if event.metadata is not None:
        size += len(event.metadata)
    if event.page_url is not None:
        size += len(event.page_url)
    if event.facts is not None:
        size += len(event.facts.user_agent or "")
    if event.api_call is not None:
        size += len(event.api_call.api_endpoint)
    elif event.error is not None:
        size += len(event.error.error_message) + len(event.error.stack_trace or "")
    return size
