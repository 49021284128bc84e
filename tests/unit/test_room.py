"""A flush in the making stays within its bounds, whatever records are made of."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pytest

from agents.batches import RecordBatch
from agents.intake import Intake
from agents.pending import MOST, MOST_BYTES
from agents.settings import Settings
from pipeline.fold import FoldPolicy
from pipeline.sinks.memory import MemorySink
from schema.rows import Partition, Record
from tests.builders import EVENTS, at, message, record

SLACK_BYTES = 4 * 1024 * 1024
"""As much as may come at once."""


class World:
    """One partition before an intake; nobody flushes but the test."""

    def __init__(self, **settings: Any) -> None:
        sink = MemorySink(lambda: datetime(2030, 1, 1), FoldPolicy())  # noqa: DTZ001  as the database has it
        self.intake = Intake(Settings(**settings), sink, lambda: self, self.hold_crash)

    def hold(self) -> None:
        pass

    def hold_crash(self, error: BaseException) -> None:
        raise error

    async def read_from(self, offsets: dict[Partition, int]) -> None:
        pass

    async def bounds(self, partitions: Iterable[Partition], within_s: float) -> dict[Partition, tuple[int, int]]:
        return dict.fromkeys(partitions, (0, 0))

    async def taking(self, records: list[Record]) -> "asyncio.Task[None]":
        """Claim the partition, and hand ``records`` over until there is no more room."""
        self.intake.on_assigned({EVENTS})
        while not self.intake.claimed:
            await asyncio.sleep(0)
        taking = asyncio.ensure_future(self.intake.take(RecordBatch(EVENTS, 0, len(records), records)))
        await self.settle(taking)
        return taking

    async def settle(self, taking: "asyncio.Task[None]") -> None:
        async with asyncio.timeout(60):
            while self.intake.pending.has_room and not taking.done():
                await asyncio.sleep(0)
        for _ in range(1_000):
            await asyncio.sleep(0)


def held(world: World) -> int:
    """Return the bytes of metadata and of dead letters that are held."""
    pending = world.intake.pending
    return sum(len(event.metadata or b"") for event in pending.flush.events) + sum(
        len(letter.value or b"") for letter in pending.dead_letters
    )


def batches(count: int, size: int, events: int, item: Any) -> list[Record]:
    sent = record(message(metadata={"a": "m" * size}, events=[item] * events))
    return [Record(EVENTS, n, at(0), None, sent.value) for n in range(count)]


@pytest.mark.parametrize(
    ("item", "settings"),
    [
        ({}, {}),
        ({"of_ours": 1}, {}),
        ({"x": "bad"}, {}),
        ({"event_type": "mouse_move"}, {"limit_session_events": 10}),
    ],
    ids=["plain", "for the models", "bad", "too many"],
)
async def test_what_many_small_records_become_is_within_bounds(item: Any, settings: dict[str, Any]) -> None:
    world = World(**settings)
    taking = await world.taking(batches(36, 20_000, 100, item))  # of 21 KB, which come to 2 MB each
    assert not taking.done()
    assert MOST_BYTES * 0.9 < held(world) < MOST_BYTES + SLACK_BYTES
    written = 0
    while not taking.done():
        written += world.intake.swap().flush.spans[EVENTS].to_offset - written
        await world.settle(taking)
        assert held(world) < MOST_BYTES + SLACK_BYTES
    assert world.intake.pending.flush.spans[EVENTS].to_offset == 36


@pytest.mark.parametrize("item", [{}, 5])
async def test_a_flush_holds_so_many_events_and_letters_and_not_many_times_more(item: Any) -> None:
    world = World()
    taking = await world.taking(batches(60, 1, 1_000, item))
    pending = world.intake.pending
    assert not taking.done()
    assert len(pending.flush) + len(pending.dead_letters) == MOST
    taking.cancel()


async def test_what_is_left_of_a_batch_is_not_taken_under_another_claim() -> None:
    world = World()
    taking = await world.taking(batches(60, 1, 1_000, {}))
    world.intake.on_assigned({EVENTS})
    await taking
    assert len(world.intake.pending.flush) == 0
