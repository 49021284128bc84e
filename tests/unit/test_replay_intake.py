"""Replay chunks on their way through the intake: large ones beside the loop, those beyond the limits refused."""

import asyncio
import json
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import pytest

import agents.decoder
from agents.batches import RecordBatch
from agents.decoder import LARGE_BYTES
from agents.intake import Intake
from agents.settings import Settings
from pipeline.decode import decode_chunk
from pipeline.fold import FoldPolicy
from pipeline.sinks.memory import MemorySink
from pipeline.tidy import DecodePolicy
from schema.reasons import Reason
from schema.rows import DeadLetter, KeptChunk, Partition, Record
from tests.builders import REPLAY, chunk_message, record


class Topic:
    """A topic that is read from where it is said."""

    def hold(self) -> None:
        """Stop reading."""

    async def read_from(self, offsets: dict[Partition, int]) -> None:
        """Read from there on."""

    async def bounds(self, partitions: Iterable[Partition], within_s: float) -> Mapping[Partition, tuple[int, int]]:
        """Return that nothing is there."""
        return dict.fromkeys(partitions, (0, 0))


async def intake_of(**settings: int) -> Intake:
    """Return an intake that has claimed the partition."""
    crashes: list[BaseException] = []
    sink = MemorySink(lambda: datetime.now(UTC).replace(tzinfo=None), FoldPolicy())
    intake = Intake(Settings.model_validate(settings), sink, Topic, crashes.append)  # type: ignore[arg-type]
    intake.on_assigned({REPLAY})
    async with asyncio.timeout(5):
        while not intake.claimed:
            await asyncio.sleep(0)
    assert not crashes
    return intake


def batch(*sizes: int) -> RecordBatch:
    """Return a batch of chunks whose records have these sizes."""
    records: list[Record] = []
    for offset, size in enumerate(sizes):
        around = len(json.dumps(chunk_message(chunk_index=offset, chunk_data="")))
        message = chunk_message(chunk_index=offset, chunk_data="x" * (size - around))
        records.append(record(message, partition=REPLAY, offset=offset))
    return RecordBatch(REPLAY, 0, len(records), records)


async def test_large_chunks_are_decoded_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    beside: list[bool] = []

    def watched(record: Record, policy: DecodePolicy) -> KeptChunk | DeadLetter:
        beside.append(threading.current_thread() is not threading.main_thread())
        return decode_chunk(record, policy)

    monkeypatch.setattr(agents.decoder, "decode_chunk", watched)
    intake = await intake_of()
    await intake.take(batch(1000, LARGE_BYTES, LARGE_BYTES + 1))
    assert beside == [False, False, True]
    assert len(intake.pending.flush.chunks) == 3


async def test_chunks_beyond_the_limit_become_dead_letters_and_each_record_is_accounted_for() -> None:
    intake = await intake_of(limit_session_chunks=2)
    await intake.take(batch(*[1000] * 5))
    again = batch(*[1000] * 2)
    repeated = [
        record(json.loads(each.value or b""), partition=REPLAY, offset=5 + n) for n, each in enumerate(again.records)
    ]
    await intake.take(RecordBatch(REPLAY, 5, 7, repeated))
    pending = intake.pending
    assert [chunk.chunk_index for chunk in pending.flush.chunks] == [0, 1]
    assert [(letter.place.offset, letter.reason) for letter in pending.dead_letters] == [
        (offset, Reason.TOO_MANY) for offset in (2, 3, 4)
    ]
    assert pending.duplicates == 2
