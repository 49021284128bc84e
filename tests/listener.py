"""Somebody elsewhere: a server that notes who came, and answers with nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Listener:
    """``connections`` counts those that ask for nothing, too, as a browser's that connects in advance."""

    origin: str = ""
    connections: int = 0
    asked_for: set[str] = field(default_factory=set)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        _, *path = (await reader.readline()).decode("latin-1").split(" ")
        self.asked_for.update(path[:1])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()


@asynccontextmanager
async def listener() -> AsyncIterator[Listener]:
    """Give the block a listener on a port of its own."""
    listening = Listener()
    server = await asyncio.start_server(listening.answer, "127.0.0.1", 0)
    listening.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield listening
    finally:
        server.close()
