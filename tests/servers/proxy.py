"""A TCP proxy between workers and a server, which does to their connections what networks do.

It runs in a thread of its own and is told what to do from the test's. Bytes are never changed, only kept or lost.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.servers.link import CHUNK, Conversation, Link, Moment, Network, Shape, Stream, reset

T = TypeVar("T")


class Proxy:
    """Listens on a port of 127.0.0.1 and forwards to ``target_port``, which may be set later. A context manager.

    With a ``conversation``, made anew for each connection, connections can be stopped at a moment of it.
    """

    def __init__(self, target_port: int = 0, conversation: Callable[[], Conversation] | None = None) -> None:
        self.target_port = target_port
        self.refused = 0
        self._conversation = conversation
        self._links: set[Link] = set()
        self._is_cut = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._network, self._server = self._wait_for(self._open())
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def address(self) -> str:
        """Where clients connect: ``host:port``."""
        return f"127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """How many connections there are now."""
        return len(self._links)

    @property
    def passed_bytes(self) -> int:
        """How many bytes have come through so far, in both directions."""
        return self._network.passed_bytes

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Reset all connections and stop listening."""
        self._wait_for(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> int:
        """Reset all connections, and each new one, until :meth:`mend`; return how many there were."""
        self._is_cut = True
        return self.reset()

    def stall(self) -> int:
        """Let nothing pass until :meth:`mend`, as when all packets are lost; return how many connections there are."""
        self._loop.call_soon_threadsafe(self._network.flowing.clear)
        return self.connections

    def mend(self) -> None:
        """Undo :meth:`cut` and :meth:`stall`; what stalled goes on where it was."""
        self._is_cut = False
        self._loop.call_soon_threadsafe(self._network.flowing.set)

    def reset(self) -> int:
        """Reset (RST) all connections on both sides; return how many there were."""
        return self._wait_for(self._reset())

    def silence(self) -> int:
        """Let nothing pass on the present connections ever again, and tell nobody; return how many there were.

        They are half-open, as when a firewall has forgotten them. New connections work.
        """
        links = [link for link in list(self._links) if not link.is_silent]
        for link in links:
            link.is_silent = True
        return len(links)

    def slow_down(self, shape: Shape) -> None:
        """Make what passes from now on as slow as ``shape`` says."""
        self._network.shape = shape

    def stop_at(self, moment: Moment) -> None:
        """Stop the first connection that comes to ``moment`` there."""
        self._network.moment = moment

    def release(self, moment: Moment) -> None:
        """Let the connection that stopped at ``moment`` go on; where none has yet, none will."""
        self._network.moment = None
        self._loop.call_soon_threadsafe(moment.released.set)

    def _wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _open(self) -> tuple[Network, asyncio.Server]:
        return Network(), await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=CHUNK)

    async def _serve(self, *client: Any) -> None:
        reader, writer = client
        if self._is_cut:
            self.refused += 1
            reset(writer)
            return
        try:
            server: Stream = await asyncio.open_connection("127.0.0.1", self.target_port, limit=CHUNK)
        except OSError:
            reset(writer)
            return
        link = Link(self._network, (reader, writer), server, self._conversation and self._conversation())
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)

    async def _reset(self) -> int:
        links = list(self._links)
        for link in links:
            link.reset()
        while any(link in self._links for link in links):
            await asyncio.sleep(0)
        return len(links)

    async def _close(self) -> None:
        self._server.close()
        self._network.flowing.set()
        await self._reset()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), 1)
