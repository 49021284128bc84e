"""Takes record batches in and folds them into the flush to come.

Owns the claims: which partitions this worker may write, under which epoch, read how far.
Every assignment claims anew and forgets what was not flushed: that is read again from where
the ledger stands.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from typing import Protocol

from aiokafka.errors import KafkaError

from agents import metrics
from agents.batches import RecordBatch
from agents.decoder import Decoder
from agents.offsets import names
from agents.owned import Owned
from agents.pending import Pending
from agents.recovery import Recovery
from agents.retrying import retrying
from agents.settings import Settings
from pipeline.dedup import SeenIds, SessionEvent
from pipeline.flush import Span
from pipeline.seen_chunks import SeenChunks, SessionChunk
from pipeline.sinks.contract import Claim, Sink, Unavailable
from schema.rows import KeptChunk, KeptEvent, Partition, Place

logger = logging.getLogger(__name__)

MOST_IDS = 8_000_000
"""Event ids that all partitions together remember: some 200 MB, four times that where sessions have thousands of them.
What is forgotten is learnt again from the tables."""

BOUNDS_WITHIN_S = 20.0
"""A line of 64 kB/s brings the answer behind a fetch of 1 MB."""

_BROKER_AWAY = (KafkaError, OSError, TimeoutError)


class LedgerAhead(Exception):
    """The ledger stands beyond the end of its topic: another topic of the same name."""


class Source(Protocol):
    """What the intake needs of the consumer."""

    def hold(self) -> None:
        """Stop reading, and forget what was fetched."""
        ...

    async def read_from(self, offsets: dict[Partition, int]) -> None:
        """Start reading each partition at its offset."""
        ...

    async def bounds(self, partitions: Iterable[Partition], within_s: float) -> dict[Partition, tuple[int, int]]:
        """Return the first offset and the one after the last, of each partition whose leader answers in time."""
        ...


class Intake:
    """The one writer's view of the topics: claims, state and the pending flush."""

    def __init__(
        self,
        settings: Settings,
        sink: Sink,
        source: Callable[[], Source],
        crash: Callable[[BaseException], None],
    ) -> None:
        self._settings = settings
        self._decoder = Decoder(settings.decode_policy(), settings.replay_topic)
        self._sink = sink
        self._source = source
        self._crash = crash
        self._claiming: asyncio.Task[None] | None = None
        self._has_room = asyncio.Event()
        self.flush_due = asyncio.Event()
        self.assigned: set[Partition] = set()
        self.owned: dict[Partition, Owned] = {}
        self.pending = Pending()
        self.closed: Pending | None = None
        self.recovery = Recovery()
        self.writing: Pending | None = None
        self._has_room.set()

    def on_assigned(self, partitions: set[Partition]) -> None:
        """Forget the old assignment and claim ``partitions``; reading begins when that is done."""
        self.stop()
        self.assigned = partitions
        self.owned = {}
        self.closed = None
        self.recovery = Recovery()
        self._begin_anew()
        if not partitions:
            logger.info("No partition is assigned to this worker")
        else:
            self._claiming = asyncio.get_running_loop().create_task(self._claim(partitions))
            self._claiming.add_done_callback(self._on_claimed)

    @property
    def claimed(self) -> bool:
        """Whether every assigned partition has been claimed."""
        return self._claiming is None or self._claiming.done()

    def reclaim(self) -> None:
        """Go back to where the ledger stands, with all partitions assigned now."""
        self._source().hold()
        self.on_assigned(self.assigned)

    def stop(self) -> None:
        """Give up a claim under way."""
        if self._claiming is not None:
            self._claiming.cancel()
            self._claiming = None

    def refuse(self, places: dict[Place, str]) -> None:
        """Dead-letter what the database refused, by reading it again without."""
        self._decoder.poison |= places
        self.reclaim()

    def forget_poison(self) -> None:
        """Let go of what the database refused and will not be read again."""
        if self._decoder.poison:
            self._decoder.forget_poison({partition: owned.written_to for partition, owned in self.owned.items()})

    def swap(self) -> Pending:
        """Return what was closed, or else what is pending, and begin anew."""
        if self.closed is not None:
            self.writing, self.closed = self.closed, None
        else:
            self.writing = self._begin_anew()
        return self.writing

    def held(self) -> list[Pending]:
        """Return what has been read and is not committed: being written, closed, pending."""
        return [one for one in (self.writing, self.closed, self.pending) if one is not None]

    def close(self) -> Pending:
        """Let nothing more into what is pending, return it, and begin anew; :meth:`swap` has it next."""
        self.closed = self._begin_anew()
        return self.closed

    def _begin_anew(self) -> Pending:
        pending, self.pending = self.pending, Pending()
        self.flush_due.clear()
        self._has_room.set()
        return pending

    async def take(self, batch: RecordBatch) -> None:
        """Decode ``batch`` and fold it in, piece by piece; waits while the pending flush is full."""
        owned = self.owned.get(batch.partition)
        if owned is None:
            return
        if batch.start != owned.read_to:
            topic, number = batch.partition
            fields = {"topic": topic, "partition": number}
            logger.warning("%s[%d]: records were lost on their way here; reading again", topic, number, extra=fields)
            self.reclaim()
            return
        rest: RecordBatch | None = batch
        while rest is not None:
            await self._has_room.wait()
            rest = await self._take_piece(owned, rest)

    async def _take_piece(self, owned: Owned, batch: RecordBatch) -> RecordBatch | None:
        """Fold in as much of ``batch`` as is enough for once; return the rest, if there is any under this claim."""
        decoded = await self._decoder.decode(batch.records)
        known_events = await owned.known_events(decoded.events) if decoded.events else set()
        known_chunks = await owned.known_chunks(decoded.chunks) if decoded.chunks else set()
        if self.owned.get(batch.partition) is not owned:
            return None
        piece, rest = batch.cut(decoded.records)
        self._fold_events(owned, decoded.events, known_events, piece)
        self._fold_chunks(owned, decoded.chunks, known_chunks, piece)
        self.pending.dead_letters += decoded.dead_letters
        self.pending.records += decoded.records
        for record in piece.records:
            if record.appended_us is not None:
                self.pending.appended_us[batch.partition, record.offset] = record.appended_us
        self.pending.record_bytes += decoded.record_bytes
        self.pending.bytes += decoded.bytes
        self._advance(piece, owned)
        self._weigh()
        if piece.records:
            first = piece.records[0]
            owned.took(piece.end, first.arrival_us if first.appended_us is None else first.appended_us)
            self.recovery.read()
        return rest

    def _fold_events(
        self, owned: Owned, events: list[KeptEvent], in_tables: set[SessionEvent], batch: RecordBatch
    ) -> None:
        new, late, refused = owned.seen.admit(events, in_tables)
        self.pending.flush.events += new
        self.pending.late += late
        self.pending.duplicates += len(events) - len(new) - len(refused)
        if refused:
            self.pending.dead_letters += self._decoder.refused(batch.records, refused)

    def _fold_chunks(
        self, owned: Owned, chunks: list[KeptChunk], in_tables: set[SessionChunk], batch: RecordBatch
    ) -> None:
        new, refused = owned.seen_chunks.admit(chunks, in_tables)
        self.pending.flush.chunks += new
        self.pending.duplicates += len(chunks) - len(new) - len(refused)
        if refused:
            self.pending.dead_letters += self._decoder.refused(batch.records, refused)

    def _advance(self, batch: RecordBatch, owned: Owned) -> None:
        pending = self.pending
        arrival_us = max((record.arrival_us for record in batch.records), default=0)
        span = Span(owned.epoch, owned.folded_to, batch.end, arrival_us)
        pending.flush.extend(batch.partition, span)
        pending.owned[batch.partition] = owned
        owned.folded_to = owned.read_to = batch.end

    def _weigh(self) -> None:
        if self.pending.is_due:
            self.flush_due.set()
        if not self.pending.has_room:
            self._has_room.clear()

    async def _claim(self, partitions: set[Partition]) -> None:
        claims = await retrying(
            f"Claiming {len(partitions)} partitions",
            "database",
            lambda: self._sink.claim(partitions),
            (Unavailable,),
        )
        most_ids = MOST_IDS // max(1, sum(key.topic == self._settings.events_topic for key in claims))
        ends: dict[Partition, int] = {}
        while len(ends) < len(claims):
            bounds = await self._bounds(claims.keys() - ends.keys())
            self.owned = self.owned | {key: self._own(key, claims[key], most_ids, *bounds[key]) for key in bounds}
            ends |= {key: end for key, (_, end) in bounds.items()}
            if len(ends) == len(claims):
                metrics.CLAIMS.inc()
                self.recovery.claimed(self.owned, ends)
            await self._read({key: self.owned[key].read_to for key in bounds})

    async def _bounds(self, partitions: Collection[Partition]) -> dict[Partition, tuple[int, int]]:
        """Return where partitions begin and end: of all whose leader answers, of one at least."""

        async def ask() -> dict[Partition, tuple[int, int]]:
            bounds = await self._source().bounds(partitions, BOUNDS_WITHIN_S)
            if not bounds:
                raise TimeoutError(f"no answer about {names(partitions)}")
            return bounds

        return await retrying(f"Asking where {names(partitions)} begin and end", "broker", ask, _BROKER_AWAY)

    async def _read(self, offsets: dict[Partition, int]) -> None:
        source = self._source()
        await retrying("Starting to read", "broker", lambda: source.read_from(offsets), _BROKER_AWAY)
        logger.info(
            "Reading %s",
            ", ".join(f"{key.topic}[{key.number}] from {offset}" for key, offset in sorted(offsets.items())),
            extra={"offsets": {f"{key.topic}[{key.number}]": offset for key, offset in sorted(offsets.items())}},
        )

    def _seen_ids(self, most_ids: int) -> SeenIds:
        return SeenIds(self._settings.allowed_lateness_s, most_ids, self._settings.limits())

    def _own(self, partition: Partition, claim: Claim, most_ids: int, first: int, end: int) -> Owned:
        at = claim.next_offset
        name = f"{partition.topic}[{partition.number}]"
        if at > end:
            raise LedgerAhead(
                f"the ledger of {self._settings.app_id} stands at offset {at} of {name}, which ends"
                f" at {end}: the topic was deleted and made again, or this is another broker."
                " Set another HXI_APP_ID, or delete the rows of this one in hxi_state.ledger"
            )
        if at < first and (at > 0 or claim.epoch > 1):  # not where this is the first look at an old topic
            metrics.DATA_LOSS.inc()
            logger.error(
                "DATA LOSS SUSPECTED: %s begins at offset %d, but only those below %d were"
                " processed: retention removed %d records unread",
                name,
                first,
                at,
                first - at,
                extra={"topic": partition.topic, "partition": partition.number, "lost_records": first - at},
            )
        return Owned(self._sink, self._seen_ids(most_ids), SeenChunks(self._settings.limits()), claim, max(at, first))

    def _on_claimed(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._crash(error)
