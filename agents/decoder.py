"""Decodes the records of a batch, and keeps out what the database has refused before."""

from collections.abc import Iterable
from typing import NamedTuple

from pipeline.decode import decode_chunk, decode_events, event_bytes
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
            for outcome in self._outcomes(record):
                if isinstance(outcome, KeptEvent):
                    decoded.events.append(outcome)
                elif isinstance(outcome, KeptChunk):
                    decoded.chunks.append(outcome)
                else:
                    decoded.dead_letters.append(outcome)
        return decoded

    def _outcomes(self, record: Record) -> Iterable[Outcome]:
        if record.partition.topic == self._replay_topic:
            outcomes: Iterable[Outcome] = (decode_chunk(record, self._policy),)
        else:
            outcomes = decode_events(record, self._policy)
        if self.poison:
            return [self._unless_poison(record, outcome) for outcome in outcomes]
        return outcomes

    def _unless_poison(self, record: Record, outcome: Outcome) -> Outcome:
        detail = self.poison.get(outcome.place)
        if detail is None:
            return outcome
        value = event_bytes(record, outcome.place)
        return DeadLetter(outcome.place, Reason.REJECTED_BY_DATABASE, detail, record.key, value)
