"""A PostgreSQL that is reached over TLS alone: one that speaks it itself, and one behind a front that does.

The embedded one is built without OpenSSL. A system's own can do it, where there is one; the front can everywhere.
"""

from __future__ import annotations

import asyncio
import shutil
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from agents.embedded import Postgres
from agents.embedded import postgres as embedded
from tests.servers.certificates import Pair

HOST: Final = "localhost"
"""What its certificate says; by ``127.0.0.1`` it can be reached and must not be trusted."""

_WANTS_TLS: Final = bytes.fromhex("00000008 04d2162f")
"""PostgreSQL's SSLRequest, with which a client begins that wants TLS."""

_CHUNK: Final = 64 * 1024


@contextmanager
def speaking_tls(directory: Path, pair: Pair) -> Iterator[str]:
    """Run the system's PostgreSQL, if it knows TLS, and give its URL; skips the test where there is none."""
    programs = _programs()
    if programs is None:
        pytest.skip("this system has no PostgreSQL with OpenSSL")
    directory.mkdir(parents=True, exist_ok=True)
    rules = directory / "pg_hba.conf"
    rules.write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
    files = {"ssl_cert_file": str(pair.certificate), "ssl_key_file": str(pair.key), "hba_file": str(rules)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded, "_programs", lambda: programs)
        patch.setattr(embedded, "_INITDB", ("--encoding=UTF8", "--locale=C", "--auth=scram-sha-256"))
        patch.setattr(embedded, "_SETTINGS", {**embedded._SETTINGS, "ssl": "on", **files})
        with Postgres.start(directory) as running:
            yield running.address.replace("127.0.0.1", HOST)


def _programs() -> Path | None:
    """Return where PostgreSQL's programs are that can do TLS."""
    places = [shutil.which("postgres"), *sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), reverse=True)]
    for program in (Path(place).resolve() for place in places if place):
        if b"libssl.so" in program.read_bytes() and (program.parent / "initdb").exists():
            return program.parent
    return None


@contextmanager
def behind_tls(port: int, pair: Pair) -> Iterator[int]:
    """Give a port that takes TLS, and nothing else, and hands on what it hears to ``port`` in the clear."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    front = _Front(port, context)
    thread = threading.Thread(target=asyncio.run, args=[front.run()], name="front")
    thread.start()
    front.listens.wait()
    try:
        yield front.port
    finally:
        front.close()
        thread.join()


class _Front:
    """Ends TLS in a loop of its own thread."""

    def __init__(self, target: int, context: ssl.SSLContext) -> None:
        self.listens = threading.Event()
        self.port = 0
        self._target = target
        self._context = context

    async def run(self) -> None:
        self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self.listens.set()
        await self._closing.wait()
        server.close()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._closing.set)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            with suppress(OSError, asyncio.IncompleteReadError):  # who does not trust us, or asks for no TLS, goes
                if await reader.readexactly(len(_WANTS_TLS)) != _WANTS_TLS:
                    return
                writer.write(b"S")
                await writer.start_tls(self._context)
                onward, back = await asyncio.open_connection("127.0.0.1", self._target)
                writers.append(back)
                await asyncio.wait(
                    [asyncio.ensure_future(_pass(reader, back)), asyncio.ensure_future(_pass(onward, writer))],
                    return_when=asyncio.FIRST_COMPLETED,
                )
        finally:
            for each in writers:
                each.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
