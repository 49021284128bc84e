"""Sends refused input to the dead-letter topic, bytes unchanged, the reason in headers."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import groupby
from typing import Any, Protocol

from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.producer.message_accumulator import BatchBuilder
from msgspec.structs import replace

from agents.topics import MAX_DEAD_LETTER_BYTES
from pipeline.decode import MAX_DETAIL
from schema.fields import US_PER_MS
from schema.rows import DeadLetter, Partition

logger = logging.getLogger(__name__)

MOST_IN_FLIGHT = 32 * 1024 * 1024
"""Bytes on their way together: the client may put them all into one request, and a broker takes 100 MB by default."""

MOST_KEY_BYTES = 10_000
"""What is left of a letter for whose value there is no room: a key that is longer than any session's goes as well."""


class Client(Protocol):
    """What is needed of aiokafka's producer. A letter costs 3 µs in a batch made here, and 33 µs sent by itself."""

    async def partitions_for(self, topic: str) -> AbstractSet[int]:
        """Return the partitions of ``topic``."""
        ...

    def create_batch(self) -> BatchBuilder:
        """Return an empty batch."""
        ...

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> "asyncio.Future[Any]":
        """Queue ``batch``; what it returns is done when the broker has acknowledged."""
        ...


def headers_of(letter: DeadLetter) -> list[tuple[str, bytes]]:
    """Return the headers that the contract promises, as text in UTF-8, and by what time the letter was judged."""
    place = letter.place
    headers = {
        "reason": letter.reason.value,
        "detail": letter.detail,
        "source_topic": place.partition.topic,
        "source_partition": str(place.partition.number),
        "source_offset": str(place.offset),
        "source_timestamp": str(letter.arrival_us // US_PER_MS),
    }
    if place.index is not None:
        headers["source_index"] = str(place.index)
    return [(name, text.encode("utf-8", "replace")) for name, text in headers.items()]


async def send_dead_letters(client: Client, topic: str, letters: Sequence[DeadLetter]) -> None:
    """Send ``letters`` and return once the broker has acknowledged them all.

    Those of one source partition go to one partition, in order. A letter that the topic has no
    room for goes without its value: it must not stop the rest, and its record is still where the
    headers say.

    Raises:
        KafkaError: the broker cannot be reached; all may be sent again.
    """
    partitions = sorted(await client.partitions_for(topic))
    in_flight: list[tuple[list[DeadLetter], asyncio.Future[Any]]] = []
    size = 0
    for some, batch in _batches(client, letters):
        if size and size + batch.size() > MOST_IN_FLIGHT:
            await _wait_for(client, topic, in_flight)
            in_flight, size = [], 0
        number = some[0].place.partition.number % len(partitions)
        in_flight.append((some, await client.send_batch(batch, topic, partition=partitions[number])))
        size += batch.size()
    await _wait_for(client, topic, in_flight)


def _batches(client: Client, letters: Sequence[DeadLetter]) -> Iterator[tuple[list[DeadLetter], BatchBuilder]]:
    """Yield batches that are full, or hold all that there is of a source partition."""
    for _, group in groupby(sorted(letters, key=_source), key=_source):
        some: list[DeadLetter] = []
        batch = client.create_batch()
        for letter in group:
            sent = letter if _length(letter) <= MAX_DEAD_LETTER_BYTES else _shortened(letter)
            if not _append(batch, sent):
                yield some, batch
                some, batch = [], client.create_batch()
                _append(batch, sent)
            some.append(sent)
        yield some, batch


def _source(letter: DeadLetter) -> Partition:
    return letter.place.partition


def _append(batch: BatchBuilder, letter: DeadLetter) -> bool:
    """Return whether there was room; in an empty batch there is."""
    value = b"" if letter.key is None and letter.value is None else letter.value  # neither would be no record
    return batch.append(timestamp=None, key=letter.key, value=value, headers=headers_of(letter)) is not None


async def _wait_for(
    client: Client, topic: str, in_flight: Sequence[tuple[list[DeadLetter], "asyncio.Future[Any]"]]
) -> None:
    outcomes = await asyncio.gather(*[sent for _, sent in in_flight], return_exceptions=True)
    for (letters, _), outcome in zip(in_flight, outcomes, strict=True):
        if isinstance(outcome, MessageSizeTooLargeError):
            await _send_smaller(client, topic, letters, outcome)
        elif isinstance(outcome, BaseException):
            raise outcome


async def _send_smaller(
    client: Client, topic: str, letters: Sequence[DeadLetter], error: MessageSizeTooLargeError
) -> None:
    """Send ``letters`` one by one, or the only one without its value."""
    if len(letters) > 1:
        for letter in letters:
            await send_dead_letters(client, topic, [letter])
    elif (shortened := _shortened(letters[0])) != letters[0]:
        await send_dead_letters(client, topic, [shortened])
    else:
        raise error


def _shortened(letter: DeadLetter) -> DeadLetter:
    """Return ``letter`` without its value, or as it is where it has none to be left out."""
    key = letter.key if len(letter.key or b"") <= MOST_KEY_BYTES else None
    if key == letter.key and not letter.value:
        return letter
    size = len(letter.value or b"")
    logger.error("A dead letter of %d bytes does not fit its topic: sent without its value", size)
    detail = f"[{size} bytes, too large for the dead-letter topic, left at the source] {letter.detail}"
    return replace(letter, key=key, value=None, detail=detail[:MAX_DETAIL])


def _length(letter: DeadLetter) -> int:
    return len(letter.key or b"") + len(letter.value or b"")
