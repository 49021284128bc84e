"""Plain sockets for tests of the proxy: a server that sends back what it gets, and clients of it."""

from __future__ import annotations

import socket
import socketserver
import threading
from types import TracebackType
from typing import Self

PATIENCE_S = 10.0


class Echo:
    """Sends back what it gets. A context manager.

    Attributes:
        ends: How connections ended, "closed" or "reset".
        heard: All bytes that came, of all connections.
    """

    def __init__(self) -> None:
        self.ends: list[str] = []
        self.heard = bytearray()
        ends, heard = self.ends, self.heard

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                try:
                    while data := self.request.recv(64 * 1024):
                        heard.extend(data)
                        self.request.sendall(data)
                except ConnectionError:
                    ends.append("reset")
                else:
                    self.request.shutdown(socket.SHUT_WR)
                    ends.append("closed")

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="echo", daemon=True)
        self._thread.start()
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def connected(port: int) -> socket.socket:
    """Return a connection to a port of 127.0.0.1 that waits for ten seconds at most."""
    return socket.create_connection(("127.0.0.1", port), PATIENCE_S)


def receive(client: socket.socket, size: int) -> bytes:
    """Return the next ``size`` bytes, fewer if the connection ends before.

    Raises:
        ConnectionResetError: If it was reset.
        TimeoutError: If nothing came for ten seconds.
    """
    received = bytearray()
    while len(received) < size and (data := client.recv(min(size - len(received), 64 * 1024))):
        received += data
    return bytes(received)


def ask(client: socket.socket, data: bytes) -> bytes:
    """Send ``data`` and return as many bytes as come back, while both are on their way."""
    talking = threading.Thread(target=client.sendall, args=(data,))
    talking.start()
    answer = receive(client, len(data))
    talking.join()
    return answer


def hears_nothing(client: socket.socket, for_s: float) -> bool:
    """Return whether neither a byte nor an end nor an error comes within so many seconds."""
    client.settimeout(for_s)
    try:
        client.recv(1)
    except TimeoutError:
        return True
    finally:
        client.settimeout(PATIENCE_S)
    return False
