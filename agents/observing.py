"""Turns what a worker does into metrics: what flushes came to and where their time went, and how busy the loop is."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from agents import metrics
from agents.pending import Pending
from pipeline.sinks.contract import Observer, Phase, Written
from schema.rows import KeptChunk, KeptEvent

LOOP_ROUND_S = 0.25
"""Between two looks at the event loop's delay: what holds it up for longer is seen, whenever it comes."""


def count_flush(pending: Pending, written: Written) -> None:
    """Count what has just been committed."""
    stored = len(pending.flush) - written.repeated_chunks
    duplicates = pending.duplicates + written.repeated_chunks
    metrics.RECEIVED.inc(stored + duplicates + len(pending.dead_letters))
    metrics.WRITTEN.inc(stored)
    metrics.DUPLICATE.inc(duplicates)
    metrics.LATE.inc(pending.late)
    metrics.RESOLVED.inc(written.resolved)
    metrics.FOLDED.inc(written.folded_latencies)
    metrics.RAGE_CLICKS.inc(written.new_rage_clicks)
    metrics.FLUSH_EVENTS.observe(stored)
    metrics.FLUSH_BYTES.observe(pending.bytes)
    for reason, letters in Counter(letter.reason.value for letter in pending.dead_letters).items():
        metrics.DEAD_LETTERED.labels(reason).inc(letters)
    _count_records(pending)
    _count_rows(written.rows_by_table)
    _observe_latency(pending, time.time_ns() // 1000)


def _count_records(pending: Pending) -> None:
    refused = [letter for letter in pending.dead_letters if letter.place.index is None]
    metrics.RECORDS.inc(pending.records)
    metrics.RECORD_BYTES.inc(pending.record_bytes)
    metrics.REFUSED_RECORDS.inc(len(refused))
    metrics.REFUSED_RECORD_BYTES.inc(sum(len(letter.value or b"") for letter in refused))


def _observe_latency(pending: Pending, now_us: int) -> None:
    events, chunks = pending.flush.events, pending.flush.chunks
    if pending.appended_us:
        all_kept: list[KeptEvent | KeptChunk] = [*events, *chunks]
        appended = [
            pending.appended_us.get((kept.place.partition, kept.place.offset), kept.arrival_us) for kept in all_kept
        ]
        metrics.APPEND_TO_COMMIT.observe_ages(appended, now_us)
    else:
        metrics.APPEND_TO_COMMIT.observe_ages([event.arrival_us for event in events], now_us)
        metrics.APPEND_TO_COMMIT.observe_ages([chunk.arrival_us for chunk in chunks], now_us)
    metrics.CLIENT_TO_COMMIT.observe_ages([event.time_us for event in events], now_us)


def _count_rows(rows_by_table: Mapping[str, int]) -> None:
    for table, rows in rows_by_table.items():
        metrics.ROWS.labels(table).inc(rows)


class FlushTimes(Observer):
    """Measures the phases of flushes, one flush at a time; of attempts that fail those that they came through."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._since = 0.0

    def began(self) -> None:
        """See :meth:`pipeline.sinks.contract.Observer.began`."""
        self._since = self._now_s()

    def ended(self, phase: Phase) -> None:
        """See :meth:`pipeline.sinks.contract.Observer.ended`."""
        since, self._since = self._since, self._now_s()
        metrics.FLUSH_PHASES.labels(phase).observe(self._since - since)

    def wrote(self, rows_by_table: Mapping[str, int]) -> None:
        """See :meth:`pipeline.sinks.contract.Observer.wrote`."""
        _count_rows(rows_by_table)


async def watch_loop_delay(
    now_s: Callable[[], float] = time.monotonic, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Measure round by round how late the event loop wakes up; never returns."""
    while True:
        due = now_s() + LOOP_ROUND_S
        await sleep(LOOP_ROUND_S)
        metrics.LOOP_DELAY.observe(max(0.0, now_s() - due))
