"""Whatever was refused can be sent to the dead-letter topic: nothing about a letter stops the worker."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from agents.dead_letters import MOST_IN_FLIGHT, MOST_KEY_BYTES, send_dead_letters
from agents.topics import MAX_DEAD_LETTER_BYTES
from schema.reasons import Reason
from schema.rows import DeadLetter, Partition, Place
from tests.builders import EVENTS, NOON_US

ROOM = 50_000
BATCH = 20_000


@dataclass
class Client:
    """Takes what aiokafka's producer takes; its broker has room for batches of ``room`` bytes, or is away."""

    room: int = ROOM
    away: bool = False
    sent: list[tuple[int, bytes | None, bytes | None, dict[str, bytes]]] = field(default_factory=list)
    batches: int = 0
    in_flight: list[int] = field(default_factory=list)
    most_in_flight: int = 0

    async def partitions_for(self, topic: str) -> set[int]:
        assert topic == "dead"
        return {0, 1, 2}

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(BATCH, 0)

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> "asyncio.Future[Any]":
        assert topic == "dead"
        acknowledged = asyncio.get_running_loop().create_future()
        self.in_flight.append(batch.size())
        self.most_in_flight = max(self.most_in_flight, sum(self.in_flight))
        asyncio.get_running_loop().call_later(0.01, self._answer, batch, partition, acknowledged)
        return acknowledged

    def _answer(self, batch: BatchBuilder, partition: int, acknowledged: "asyncio.Future[Any]") -> None:
        self.in_flight.remove(batch.size())
        if self.away:
            acknowledged.set_exception(KafkaTimeoutError())
        elif batch.size() > self.room:
            acknowledged.set_exception(MessageSizeTooLargeError())
        else:
            self.batches += 1
            self.sent += [(partition, *record) for record in _records(batch)]
            acknowledged.set_result(None)


def _records(batch: BatchBuilder) -> list[tuple[bytes | None, bytes | None, dict[str, bytes]]]:
    built = MemoryRecords(bytes(batch._build())).next_batch()
    return [(record.key, record.value, dict(record.headers)) for record in built]


def letter(offset: int, key: bytes | None, value: bytes | None, partition: Partition = EVENTS) -> DeadLetter:
    return DeadLetter(Place(partition, offset), Reason.EMPTY, "nothing", key, value, NOON_US)


@pytest.mark.parametrize(
    ("key", "value", "sent"),
    [
        (b"k", b"v", (b"k", b"v")),
        (b"k", None, (b"k", None)),
        (None, b"v", (None, b"v")),
        (None, b"", (None, b"")),
        (None, None, (None, b"")),
        (b"k", b"v" * ROOM, (b"k", None)),
        (None, b"v" * (ROOM + 1), (None, b"")),
        (b"k" * MOST_KEY_BYTES, b"v" * ROOM, (b"k" * MOST_KEY_BYTES, None)),
        (b"k" * (ROOM + 1), None, (None, b"")),
    ],
    ids=lambda part: repr(part)[:20],
)
async def test_every_letter_is_sent_with_as_much_of_it_as_there_is_room_for(
    key: bytes | None, value: bytes | None, sent: tuple[bytes | None, bytes | None]
) -> None:
    client = Client()
    await send_dead_letters(client, "dead", [letter(3, key, value)])
    ((_, sent_key, sent_value, headers),) = client.sent
    assert (sent_key, sent_value) == sent
    assert headers["detail"].endswith(b"nothing")
    assert (headers["source_offset"], headers["source_timestamp"]) == (b"3", b"1704456000000")


async def test_a_letter_larger_than_any_is_not_even_tried_with_its_value() -> None:
    client = Client(room=2 * MAX_DEAD_LETTER_BYTES)
    await send_dead_letters(
        client, "dead", [letter(1, b"k", b"v" * (MAX_DEAD_LETTER_BYTES + 1)), letter(2, b"k", b"v")]
    )
    assert [value for _, _, value, _ in client.sent] == [None, b"v"]
    assert client.most_in_flight < MAX_DEAD_LETTER_BYTES


async def test_letters_of_a_partition_keep_together_and_their_order() -> None:
    client = Client()
    partitions = [Partition("ui-events", 0), Partition("ui-events", 4), Partition("ui-replay", 4)]
    letters = [letter(offset, b"k", b"v" * 100, partitions[offset % 3]) for offset in range(999)]
    await send_dead_letters(client, "dead", letters)
    offsets: dict[tuple[int, bytes, bytes], list[int]] = {}
    for at, _, _, headers in client.sent:
        source = headers["source_topic"], headers["source_partition"]
        offsets.setdefault((at, *source), []).append(int(headers["source_offset"]))
    assert offsets == {
        (0, b"ui-events", b"0"): list(range(0, 999, 3)),
        (1, b"ui-events", b"4"): list(range(1, 999, 3)),
        (1, b"ui-replay", b"4"): list(range(2, 999, 3)),
    }
    assert client.batches < 20


async def test_one_letter_without_room_takes_nothing_from_those_beside_it() -> None:
    client = Client(room=8_000)
    letters = [letter(offset, b"k", b"v" * (9_000 if offset == 5 else 100)) for offset in range(20)]
    await send_dead_letters(client, "dead", letters)
    values = {int(headers["source_offset"]): value for _, _, value, headers in client.sent}
    assert values == {offset: None if offset == 5 else b"v" * 100 for offset in range(20)}


async def test_a_letter_that_finds_no_room_however_small_says_so() -> None:
    with pytest.raises(MessageSizeTooLargeError):
        await send_dead_letters(Client(room=10), "dead", [letter(1, b"k", b"v")])


async def test_a_broker_that_is_away_is_told() -> None:
    with pytest.raises(KafkaTimeoutError):
        await send_dead_letters(Client(away=True), "dead", [letter(n, b"k", b"v" * 15_000) for n in range(5)])


async def test_no_more_is_on_its_way_at_once_than_a_broker_takes() -> None:
    client = Client(room=MOST_IN_FLIGHT)
    await send_dead_letters(client, "dead", [letter(n, b"k", b"v" * 5_000_000) for n in range(20)])
    assert len(client.sent) == 20
    assert MOST_IN_FLIGHT // 2 < client.most_in_flight <= MOST_IN_FLIGHT
