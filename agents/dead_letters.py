"""Sends refused input to the dead-letter topic, bytes unchanged, the reason in headers."""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

from aiokafka.errors import MessageSizeTooLargeError
from faust.exceptions import ProducerSendError
from msgspec.structs import replace

from pipeline.decode import MAX_DETAIL
from schema.fields import US_PER_MS
from schema.rows import DeadLetter

logger = logging.getLogger(__name__)

AT_ONCE = 100
"""Letters on their way together. The client wakes all that wait for room whenever there is some: 10 000 letters took
82 s at once, and 4 s in hundreds."""


MOST_KEY_BYTES = 10_000
"""What is left of a letter for whose value there is no room: a key that is longer than any session's goes as well."""


class Producer(Protocol):
    """What is needed of Faust's producer."""

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: list[tuple[str, bytes]] | None,
    ) -> Awaitable[Any]:
        """Queue a record; what it returns is done when the broker has acknowledged."""
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


async def send_dead_letters(producer: Producer, topic: str, letters: Sequence[DeadLetter]) -> None:
    """Send ``letters`` and return once the broker has acknowledged them all.

    A letter that the topic has no room for goes without its value: it must not stop the rest,
    and its record is still where the headers say.

    Raises:
        KafkaError: the broker cannot be reached; all may be sent again.
    """
    for begin in range(0, len(letters), AT_ONCE):
        await asyncio.gather(*[_send(producer, topic, letter) for letter in letters[begin : begin + AT_ONCE]])


async def _send(producer: Producer, topic: str, letter: DeadLetter) -> None:
    try:
        await _send_as_it_is(producer, topic, letter)
    except MessageSizeTooLargeError:
        size = len(letter.value or b"")
        logger.error("A dead letter of %d bytes does not fit topic %s: sent without its value", size, topic)
        detail = f"[{size} bytes, too large for {topic}, left at the source] {letter.detail}"[:MAX_DETAIL]
        key = letter.key if len(letter.key or b"") <= MOST_KEY_BYTES else None
        await _send_as_it_is(producer, topic, replace(letter, key=key, value=None, detail=detail))


async def _send_as_it_is(producer: Producer, topic: str, letter: DeadLetter) -> None:
    try:
        value = b"" if letter.key is None and letter.value is None else letter.value  # the client sends no such record
        acknowledged = await producer.send(topic, letter.key, value, None, None, headers_of(letter))
    except ProducerSendError as error:  # Faust's wrapping of the client's own error
        raise error.__cause__ or error from None
    await acknowledged
