"""Sends refused input to the dead-letter topic, bytes unchanged, the reason in headers."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

from schema.rows import DeadLetter


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
    """Return the headers that the contract promises, as text in UTF-8."""
    place = letter.place
    headers = {
        "reason": letter.reason.value,
        "detail": letter.detail,
        "source_topic": place.partition.topic,
        "source_partition": str(place.partition.number),
        "source_offset": str(place.offset),
    }
    if place.index is not None:
        headers["source_index"] = str(place.index)
    return [(name, text.encode("utf-8", "replace")) for name, text in headers.items()]


async def send_dead_letters(producer: Producer, topic: str, letters: Sequence[DeadLetter]) -> None:
    """Send ``letters`` and return once the broker has acknowledged them all."""
    acknowledgements = [
        await producer.send(topic, letter.key, letter.value, None, None, headers_of(letter)) for letter in letters
    ]
    await asyncio.gather(*acknowledgements)
