"""A worker without Kafka: what the intake and the flusher do with a sink, batch by batch."""

from collections.abc import Sequence

from msgspec.structs import replace

from pipeline.dedup import SeenIds
from pipeline.flush import Flush, Span
from pipeline.limits import Limits
from pipeline.sinks.contract import Sink
from schema.rows import KeptEvent, Place
from tests.builders import EVENTS

LATENESS_S = 60


class Worker:
    """Takes batches and writes each in a flush, as the intake and the flusher do."""

    def __init__(self, sink: Sink, most_ids: int = 500_000) -> None:
        self.sink, self.seen = sink, SeenIds(LATENESS_S, most_ids, Limits())
        self.epoch = self.offset = 0

    async def run(self, events: Sequence[KeptEvent], batch_size: int) -> None:
        """Claim, and take all ``events`` as records that come one after another."""
        claim = (await self.sink.claim([EVENTS]))[EVENTS]
        self.epoch, self.offset = claim.epoch, claim.next_offset
        for begin in range(0, len(events), batch_size):
            await self._take(events[begin : begin + batch_size])

    async def _take(self, events: Sequence[KeptEvent]) -> None:
        end = self.offset + len(events)
        batch = [replace(event, place=Place(EVENTS, self.offset + n)) for n, event in enumerate(events)]
        strangers = self.seen.strangers(batch)
        self.seen.learn(strangers, await self.sink.histories(strangers, self.seen.history_s))
        in_tables = await self.sink.known(self.seen.late(batch))
        new = self.seen.admit(batch, in_tables).new
        arrival_us = max(event.arrival_us for event in batch)
        await self.sink.write(Flush({EVENTS: Span(self.epoch, self.offset, end, arrival_us)}, new))
        self.seen.flushed(end)
        self.offset = end
