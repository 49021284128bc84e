"""Decodes the records of a batch, and keeps out what the database has refused before."""

from collections.abc import Iterable
from typing import NamedTuple

from pipeline.decode import decode_by_models, decode_chunk, event_bytes, plain_events
from pipeline.tidy import DecodePolicy
from schema.reasons import Reason
from schema.rows import DeadLetter, KeptChunk, KeptEvent, Place, Record

Outcome = KeptEvent | KeptChunk | DeadLetter


class Decoded(NamedTuple):
    """What became of a batch's records."""

    events: list[KeptEvent]
    chunks: list[KeptChunk]
    dead_letters: list[DeadLetter]


class Decoder:
    """Decoding with a memory for poison: places whose rows the database refused."""

    def __init__(self, policy: DecodePolicy, replay_topic: str) -> None:
        self._policy = policy
        self._replay_topic = replay_topic
        self.poison: dict[Place, str] = {}

    def decode(self, records: Iterable[Record]) -> Decoded:
        """Return what is kept and what is dead-lettered of ``records``."""
        decoded = Decoded([], [], [])
        for record in records:
            if record.partition.topic == self._replay_topic:
                self._sort(record, [decode_chunk(record, self._policy)], decoded)
            elif (plain := plain_events(record, self._policy)) and not self.poison:
                decoded.events.extend(plain)
            else:
                self._sort(record, plain or decode_by_models(record, self._policy), decoded)
        return decoded

    def refused(self, records: Iterable[Record], events: Iterable[tuple[KeptEvent, str]]) -> list[DeadLetter]:
        """Return a dead letter for each of ``events``, which came from ``records``, with its detail."""
        details: dict[int, dict[int | None, str]] = {}
        for event, detail in events:
            details.setdefault(event.place.offset, {})[event.place.index] = detail
        return [
            DeadLetter(
                place, Reason.TOO_MANY, details[record.offset][place.index], record.key, value, record.arrival_us
            )
            for record in records
            if record.offset in details
            for place, value in event_bytes(record, details[record.offset])
        ]

    def _sort(self, record: Record, outcomes: Iterable[Outcome], decoded: Decoded) -> None:
        """Put into ``decoded`` what came of ``record``."""
        for each in outcomes:
            outcome = self._unless_poison(record, each)
            if isinstance(outcome, KeptEvent):
                decoded.events.append(outcome)
            elif isinstance(outcome, KeptChunk):
                decoded.chunks.append(outcome)
            else:
                decoded.dead_letters.append(outcome)

    def _unless_poison(self, record: Record, outcome: Outcome) -> Outcome:
        detail = self.poison.get(outcome.place)
        if detail is None:
            return outcome
        ((_, value),) = event_bytes(record, [outcome.place.index])
        return DeadLetter(outcome.place, Reason.REJECTED_BY_DATABASE, detail, record.key, value, record.arrival_us)
