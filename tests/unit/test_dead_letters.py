"""Whatever was refused can be sent to the dead-letter topic: nothing about a letter stops the worker."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka.errors import MessageSizeTooLargeError
from faust.exceptions import ProducerSendError

from agents.dead_letters import MOST_KEY_BYTES, send_dead_letters
from schema.reasons import Reason
from schema.rows import DeadLetter, Place
from tests.builders import EVENTS, NOON_US

ROOM = 50_000


@dataclass
class Client:
    """Takes what Faust's producer, and aiokafka's below it, take."""

    sent: list[tuple[bytes | None, bytes | None, dict[str, bytes]]] = field(default_factory=list)

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: list[tuple[str, bytes]] | None,
    ) -> "asyncio.Future[Any]":
        assert not (value is None and key is None), "Need at least one: key or value"
        if len(key or b"") + len(value or b"") > ROOM:
            raise ProducerSendError("too large") from MessageSizeTooLargeError()
        self.sent.append((key, value, dict(headers or ())))
        acknowledged = asyncio.get_running_loop().create_future()
        acknowledged.set_result(None)
        return acknowledged


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
    letter = DeadLetter(Place(EVENTS, 3), Reason.EMPTY, "nothing", key, value, NOON_US)
    await send_dead_letters(client, "dead", [letter])
    ((sent_key, sent_value, headers),) = client.sent
    assert (sent_key, sent_value) == sent
    assert headers["detail"].endswith(b"nothing")
    assert (headers["source_offset"], headers["source_timestamp"]) == (b"3", b"1704456000000")
