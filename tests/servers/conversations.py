"""What clients say to PostgreSQL and to Kafka, cut into requests: where each begins and ends, and little more."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_LENGTH: Final = 4


@dataclass(frozen=True)
class Request:
    """One message of a client.

    Attributes:
        client: PostgreSQL's application name of the connection; empty for Kafka.
        kind: PostgreSQL's message type, such as ``Q`` or ``d`` (a piece of COPY's data), or Kafka's API key in decimal.
        statement: The SQL that a message to PostgreSQL belongs to.
        raw: All its bytes.
    """

    client: str
    kind: str
    statement: str
    raw: bytes


class ToPostgres:
    """PostgreSQL's protocol 3, without TLS: a start-up message, then type, length, body."""

    def __init__(self) -> None:
        self._rest = b""
        self._client: str | None = None
        self._prepared: dict[bytes, str] = {}
        self._statement = ""

    def requests(self, data: bytes) -> Iterator[Request]:
        """Yield what ``data`` completes; all bytes come out again, in order."""
        self._rest += data
        while True:
            head = 0 if self._client is None else 1
            if len(self._rest) < head + _LENGTH:
                return
            size = head + int.from_bytes(self._rest[head : head + _LENGTH], "big")
            if len(self._rest) < size:
                return
            raw, self._rest = self._rest[:size], self._rest[size:]
            yield self._started(raw) if self._client is None else self._request(self._client, raw)

    def _started(self, raw: bytes) -> Request:
        parameters = raw[2 * _LENGTH :].split(b"\0")
        named = dict(zip(parameters[::2], parameters[1::2], strict=False))
        self._client = named.get(b"application_name", b"").decode()
        return Request(self._client, "start", "", raw)

    def _request(self, client: str, raw: bytes) -> Request:
        kind, body = raw[:1], raw[1 + _LENGTH :]
        if kind == b"Q":
            self._statement = body.rstrip(b"\0").decode()
        elif kind == b"P":
            name, statement, _ = body.split(b"\0", 2)
            self._statement = self._prepared[name] = statement.decode()
        elif kind == b"B":
            self._statement = self._prepared[body.split(b"\0", 2)[1]]
        return Request(client, kind.decode("latin-1"), self._statement, raw)


class ToKafka:
    """Kafka's protocol without TLS: length, API key, the rest."""

    def __init__(self) -> None:
        self._rest = b""

    def requests(self, data: bytes) -> Iterator[Request]:
        """Yield what ``data`` completes; all bytes come out again, in order."""
        self._rest += data
        while len(self._rest) > _LENGTH:
            size = _LENGTH + int.from_bytes(self._rest[:_LENGTH], "big")
            if len(self._rest) < size:
                return
            raw, self._rest = self._rest[:size], self._rest[size:]
            (key,) = struct.unpack_from(">h", raw, _LENGTH)
            yield Request("", str(key), "", raw)
