"""Which TCP port a server of the tests gets, and whether a Kafka broker answers there. Never starts anything."""

from __future__ import annotations

import random
import socket
import struct
import time
from typing import Final

# Below the ports that Linux (32768 and up) and macOS (49152 and up) give to outgoing connections. A client that keeps
# dialling a killed broker from such a port can connect to itself, and the restarted broker then finds its port taken.
_FIRST_PORT: Final = 20_000
_LAST_PORT: Final = 32_000

# Not the shared generator: pytest-randomly may seed that one alike in parallel runs, which would pick the same port.
_random: Final = random.SystemRandom()

_API_VERSIONS: Final = 18
_CORRELATION: Final = 20_418
_CLIENT: Final = b"hxi-tests"
_HEADER: Final = struct.pack(">hhih", _API_VERSIONS, 0, _CORRELATION, len(_CLIENT)) + _CLIENT

WHICH_VERSIONS: Final = struct.pack(">i", len(_HEADER)) + _HEADER
"""An ApiVersions request, which a broker answers whoever asks."""


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nothing listens on now.

    Raises:
        RuntimeError: If a hundred ports in a row were taken.
    """
    for _ in range(100):
        port = _random.randint(_FIRST_PORT, _LAST_PORT)
        with socket.socket() as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise RuntimeError(f"no free port between {_FIRST_PORT} and {_LAST_PORT}")


def speaks_kafka(address: str, patience: float = 1.0) -> bool:
    """Tell whether a broker at ``host:port`` answers an ApiVersions request.

    Apache Kafka takes requests only once it has joined its cluster and leads its partitions, so an answer means ready.
    Asked by hand because a client library would retry, log and keep threads while the broker is still starting.

    Args:
        address: The broker; of a comma-separated list, the first.
        patience: Seconds to wait for the connection and for each part of the answer.
    """
    host, _, port = address.split(",")[0].strip().rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), patience) as connection:
            connection.sendall(WHICH_VERSIONS)
            with connection.makefile("rb") as answer:
                start = answer.read(10)
    except (OSError, ValueError):
        return False
    return len(start) == 10 and struct.unpack(">iih", start)[1:] == (_CORRELATION, 0)


def wait_for_kafka(address: str, seconds: float) -> bool:
    """Poll until a broker answers at ``address``; tell whether it did within ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if speaks_kafka(address):
            return True
        time.sleep(0.05)
    return False
