"""One proxied connection: passes bytes on both ways, as slowly as the network is, and stops where it is told."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Final, Protocol

from tests.servers.conversations import Request

CHUNK: Final = 64 * 1024
_UNDER_WAY: Final = 16
"""Chunks on the way at most; then the sender has to wait, as with the full buffers of a real network."""

_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER for a socket whose closing sends RST and no FIN."""

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Conversation(Protocol):
    """Cuts what a client sends into requests."""

    def requests(self, data: bytes) -> Iterable[Request]:
        """Yield the requests that ``data`` completes; together they are all bytes, unchanged."""


@dataclass(eq=False)
class Moment:
    """Where a connection is to stop: at the first request that ``matches``.

    It stops before the request is passed on; with ``answered`` once the server has answered it, before the answer is
    passed on. From then on nothing passes on that connection until the moment is released or the connection reset.
    """

    matches: Callable[[Request], bool]
    answered: bool = False
    reached: threading.Event = field(default_factory=threading.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def stop(self) -> None:
        """Tell that it was reached, and wait."""
        self.reached.set()
        await self.released.wait()


@dataclass(frozen=True)
class Shape:
    """How slow each direction of each connection is; a rate of None is no limit."""

    latency_s: float = 0.0
    jitter_s: float = 0.0
    bytes_per_s: float | None = None

    def least_s(self, answer_bytes: int) -> float:
        """Return how long a question and its answer, of so many bytes, take at least."""
        there_and_back_s = 2 * max(0.0, self.latency_s - self.jitter_s)
        return max(there_and_back_s, answer_bytes / self.bytes_per_s if self.bytes_per_s else 0.0)


class Network:
    """What a proxy's network is like now, for all its connections."""

    def __init__(self) -> None:
        self.shape = Shape()
        self.moment: Moment | None = None
        self.passed_bytes = 0
        self.flowing = asyncio.Event()
        self.flowing.set()
        self._chance = Random(1)

    def delay_s(self) -> float:
        """Return how long the next bytes take."""
        return max(0.0, self.shape.latency_s + self._chance.uniform(-1, 1) * self.shape.jitter_s)

    def moment_of(self, request: Request) -> Moment | None:
        """Return the moment waited for where ``request`` is it; the next connection passes it."""
        moment = self.moment
        if moment is None or not moment.matches(request):
            return None
        self.moment = None
        return moment


class Link:
    """A client's connection and the one to the server. ``is_silent``: nothing passes, and nobody is told."""

    def __init__(self, network: Network, client: Stream, server: Stream, conversation: Conversation | None) -> None:
        self.is_silent = False
        self._network = network
        self._client = client
        self._server = server
        self._conversation = conversation
        self._answer_stops_at: Moment | None = None
        self._ways: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Pass bytes on until both sides have closed, one has been lost, or :meth:`reset`."""
        ways = (
            self._pass_on(self._asked(), self._server[1]),
            self._pass_on(self._answered(), self._client[1]),
        )
        self._ways = [asyncio.ensure_future(way) for way in ways]
        done, others = await asyncio.wait(self._ways, return_when=asyncio.FIRST_EXCEPTION)
        if self.is_silent and others:
            await asyncio.wait(others)
        errors = [way.exception() for way in done if not way.cancelled()]
        if errors == [None, None]:
            await self._close()
        self.reset()
        for error in errors:
            if not isinstance(error, OSError | None):
                raise error

    def reset(self) -> None:
        """Reset (RST) both sides."""
        for way in self._ways:
            way.cancel()
        for _, writer in (self._client, self._server):
            reset(writer)

    async def _close(self) -> None:
        """Close both sides, after the last byte."""
        for _, writer in (self._client, self._server):
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _asked(self) -> AsyncIterator[bytes]:
        async for data in _chunks(self._client[0]):
            for request in self._conversation.requests(data) if self._conversation else ():
                if moment := self._network.moment_of(request):
                    if moment.answered:
                        self._answer_stops_at = moment
                    else:
                        await moment.stop()
                yield request.raw
            if self._conversation is None:
                yield data

    async def _answered(self) -> AsyncIterator[bytes]:
        async for data in _chunks(self._server[0]):
            if moment := self._answer_stops_at:
                self._answer_stops_at = None
                await moment.stop()
            yield data

    async def _pass_on(self, pieces: AsyncIterator[bytes], writer: asyncio.StreamWriter) -> None:
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_UNDER_WAY)
        arriving = asyncio.ensure_future(self._arrive(under_way, writer))
        try:
            clock = asyncio.get_running_loop().time
            due = clock()
            async for piece in pieces:
                rate = self._network.shape.bytes_per_s
                sent = max(due, clock()) + len(piece) / rate if rate else due
                due = max(sent, clock() + self._network.delay_s())
                await under_way.put((due, piece))
            await under_way.put((due, b""))
            await arriving
        finally:
            arriving.cancel()

    async def _arrive(self, under_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due, piece = await under_way.get()
            if due > clock():
                await asyncio.sleep(due - clock())
            await self._network.flowing.wait()
            if self.is_silent:
                continue
            if not piece:
                writer.write_eof()
                return
            writer.write(piece)
            await writer.drain()
            self._network.passed_bytes += len(piece)


def reset(writer: asyncio.StreamWriter) -> None:
    """Reset (RST) a connection; nothing happens if it is closed already."""
    raw = writer.get_extra_info("socket")
    if raw is not None and not writer.transport.is_closing():
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while data := await reader.read(CHUNK):
        yield data
