"""Writes what the intake has gathered, by time or size; counts it; acknowledges last.

The order is the promise: dead letters are acknowledged by the broker, then one transaction
commits rows and offsets, and only then does the consumer group hear of it.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from aiokafka.errors import KafkaError

from agents import metrics
from agents.intake import Intake
from agents.observing import count_flush
from agents.pending import Pending
from agents.retrying import retrying
from pipeline.sinks.contract import (
    Fenced,
    LedgerMoved,
    RowsRejected,
    Sink,
    Unavailable,
    Written,
)
from schema.rows import DeadLetter, Partition

logger = logging.getLogger(__name__)

FENCED_FOR_GOOD_S = 30.0
"""A fenced worker is soon assigned anew; after this long without, it claims again itself."""

SendDeadLetters = Callable[[Sequence[DeadLetter]], Awaitable[None]]
NoteProgress = Callable[[Mapping[Partition, int]], Awaitable[None]]


class Flusher:
    """Empties the intake into the sink."""

    def __init__(
        self,
        intake: Intake,
        sink: Sink,
        interval_s: float,
        send_dead_letters: SendDeadLetters,
        note_progress: NoteProgress,
    ) -> None:
        self._intake = intake
        self._sink = sink
        self._interval_s = interval_s
        self._send_dead_letters = send_dead_letters
        self._note_progress = note_progress
        self._hint: asyncio.Task[None] | None = None
        self._flushing = asyncio.Lock()
        self._finishing = False

    async def run(self) -> None:
        """Flush an interval after the last flush began, at once what is closed or due; until the finish."""
        began = time.monotonic()
        while not self._finishing:
            if self._intake.closed is None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._intake.flush_due.wait(), began + self._interval_s - time.monotonic())
            began = time.monotonic()
            await self.flush()

    async def flush(self) -> None:
        """Write what is pending now, after a flush under way; tries on while servers are away."""
        async with self._flushing:
            if not self._finishing:
                await self._flush_pending()

    async def finish(self, within_s: float) -> None:
        """Write what is pending now, if that takes no longer, and nothing more: what comes later does not join up.

        Raises:
            TimeoutError: it took longer; what was not written is read again by others.
        """
        self._finishing = True
        async with asyncio.timeout(within_s), self._flushing:
            if self._intake.closed is not None:
                await self._flush_pending()
            await self._flush_pending()

    async def _flush_pending(self) -> None:
        """Write what was closed, or else what is pending."""
        pending = self._intake.swap()
        if pending.flush.spans:
            await self._flush(pending)
        self._intake.writing = None

    async def _flush(self, pending: Pending) -> None:
        began = time.monotonic()
        if pending.dead_letters:
            await retrying(
                f"Sending {len(pending.dead_letters)} dead letters",
                "dead_letters",
                lambda: self._send_dead_letters(pending.dead_letters),
                (KafkaError, OSError),
            )
        written = await self._write(pending)
        if written is not None:
            metrics.FLUSH_SECONDS.observe(time.monotonic() - began)
            self._settle(pending, written)

    async def _write(self, pending: Pending) -> Written | None:
        """Return what was written, or None where the work must be read again."""
        flush = pending.flush
        try:
            return await retrying(
                f"Writing {len(flush)} events and chunks",
                "database",
                lambda: self._sink.write(flush, self._prepare_next),
                (Unavailable,),
            )
        except Fenced as fenced:
            metrics.FENCED.inc()
            logger.warning("Fenced, leaving this work to the newer owner: %s", fenced)
            self._claim_again_unless_assigned(pending)
        except LedgerMoved as moved:
            logger.error("The database went back in time, reading again from there: %s", moved)
            self._intake.reclaim()
        except RowsRejected as rejection:
            logger.error("The database refused rows, looking for which: %s", rejection)
            await self._refuse(pending, rejection)
        return None

    def _prepare_next(self) -> None:
        """Get the next flush ready if it is large, while the one before keeps the database busy."""
        if not self._finishing and self._intake.closed is None and self._intake.pending.is_worth_closing:
            self._sink.prepare(self._intake.close().flush)

    async def _refuse(self, pending: Pending, rejection: RowsRejected) -> None:
        places = await retrying(
            "Looking for refused rows",
            "database",
            lambda: self._sink.rejected(pending.flush),
            (Unavailable,),
        )
        if not places:
            raise rejection
        self._intake.refuse(places)

    def _claim_again_unless_assigned(self, fenced: Pending) -> None:
        def claim_again() -> None:
            owned = self._intake.owned
            if any(owned.get(partition) is mine for partition, mine in fenced.owned.items()):
                logger.error("Fenced for %.0f s without a new assignment", FENCED_FOR_GOOD_S)
                self._intake.reclaim()

        asyncio.get_running_loop().call_later(FENCED_FOR_GOOD_S, claim_again)

    def _settle(self, pending: Pending, written: Written) -> None:
        spans = pending.flush.spans
        for partition, owned in pending.owned.items():
            owned.flushed(spans[partition].to_offset)
        self._intake.forget_poison()
        self._intake.recovery.written(self._intake.owned)
        count_flush(pending, written)
        if self._hint is None or self._hint.done():
            offsets = {partition: span.to_offset for partition, span in spans.items()}
            self._hint = asyncio.ensure_future(self._note_progress(offsets))
