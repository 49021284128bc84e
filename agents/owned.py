"""A partition under this worker's claim: how far it is, and what it has seen."""

from collections import deque
from functools import partial
from uuid import UUID

from agents.retrying import retrying
from pipeline.dedup import SeenIds, SessionEvent
from pipeline.seen_chunks import SeenChunks, SessionChunk
from pipeline.sinks.contract import Claim, Sink, Unavailable
from schema.rows import KeptChunk, KeptEvent


class Owned:
    """Read up to ``read_to``, folded from ``folded_to`` on, written up to ``written_to``.

    ``folded_to`` lags behind ``read_to`` only where the topic was cut off beyond the ledger.
    """

    def __init__(self, sink: Sink, seen: SeenIds, seen_chunks: SeenChunks, claim: Claim, read_from: int) -> None:
        self._sink = sink
        self.epoch = claim.epoch
        self.folded_to = self.written_to = claim.next_offset
        self.read_to = self._readable_from = read_from
        self._unwritten: deque[tuple[int, int]] = deque()  # each batch's end and its first record's arrival
        self.seen = seen
        self.seen_chunks = seen_chunks

    @property
    def stands_at(self) -> int:
        """Return the first offset that is there to be read and not in the tables."""
        return max(self.written_to, self._readable_from)

    @property
    def oldest_arrival_us(self) -> int | None:
        """Return when the record arrived at which the ledger stands; None where that has not been read."""
        return self._unwritten[0][1] if self._unwritten else None

    def took(self, end: int, arrival_us: int) -> None:
        """Note that records up to ``end`` were taken in, the first of which arrived then."""
        self._unwritten.append((end, arrival_us))

    async def known_events(self, events: list[KeptEvent]) -> set[SessionEvent]:
        """Return the late ones among ``events`` that were received before; learn all sessions.

        A flush may end while the tables are asked: what it writes is taken from memory first,
        and a session that it lets go is learnt again.
        """
        while True:
            if strangers := self.seen.strangers(events):
                await self._learn(strangers)
            late = self.seen.late(events)
            if not late:
                return late
            unwritten = self.seen.unwritten(late)
            known = await retrying(
                "Looking up late events", "database", partial(self._sink.known, late), (Unavailable,)
            )
            if not self.seen.strangers(events):
                return known | unwritten

    async def _learn(self, strangers: set[UUID]) -> None:
        histories = await retrying(
            "Reading what sessions have sent before",
            "database",
            lambda: self._sink.histories(strangers, self.seen.history_s),
            (Unavailable,),
        )
        self.seen.learn(strangers, histories)

    async def known_chunks(self, chunks: list[KeptChunk]) -> set[SessionChunk]:
        """Return those of ``chunks`` that were received before; learn what their sessions have sent."""
        if strangers := self.seen_chunks.strangers(chunks):
            tallies = await retrying(
                "Reading how much replay sessions have sent",
                "database",
                lambda: self._sink.replay_tallies(strangers),
                (Unavailable,),
            )
            self.seen_chunks.learn(strangers, tallies)
        keys = {(chunk.session_id, chunk.chunk_index) for chunk in chunks}
        unwritten = self.seen_chunks.unwritten(keys)
        known = await retrying(
            "Looking up replay chunks", "database", lambda: self._sink.known_chunks(keys), (Unavailable,)
        )
        return known | unwritten

    def flushed(self, next_offset: int) -> None:
        """Note that everything below ``next_offset`` is in the tables."""
        self.written_to = next_offset
        while self._unwritten and self._unwritten[0][0] <= next_offset:
            self._unwritten.popleft()
        self.seen.flushed(next_offset)
        self.seen_chunks.flushed(next_offset)
