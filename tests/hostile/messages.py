"""Records put together from hostile values: events, batches and replay chunks that are good but for what is said."""

from collections.abc import Iterable, Mapping, Sequence

from tests.builders import NOON, OTHER_SESSION, SESSION
from tests.hostile.values import nested

Fields = Sequence[tuple[bytes, bytes]]
"""Names and values as JSON spells them; a name may come twice."""

GOOD: dict[str, bytes] = {
    "session_id": b'"%s"' % str(SESSION).encode(),
    "event_type": b'"click"',
    "timestamp": b'"%s"' % NOON.encode(),
}
RICH: dict[str, bytes] = GOOD | {
    "event_type": b'"api_call"',
    "event_uuid": b'"e0e00000-0000-4000-8000-000000000001"',
    "api_endpoint": b'"/api/orders/17"',
    "latency_ms": b"120.5",
    "status_code": b"200",
    "error_message": b'"TypeError"',
    "user": b'{"external_user_id":"u-1","email":"me@example.com"}',
    "x": b"10",
    "metadata": b'{"a":{"b":[1,2.5]}}',
}
"""An event in which a mutated field matters, whichever it is."""

GOOD_CHUNK: dict[str, bytes] = {
    "session_id": GOOD["session_id"],
    "chunk_index": b"0",
    "chunk_data": b'[{"type":4,"data":{}}]',
}


def spelt(fields: Mapping[str, bytes] | Fields) -> bytes:
    """Return an object."""
    if isinstance(fields, Mapping):
        fields = [(b'"%s"' % name.encode(), value) for name, value in fields.items()]
    return b"{" + b",".join(name + b":" + value for name, value in fields) + b"}"


def with_field(name: str, value: bytes, message: Mapping[str, bytes] = GOOD) -> bytes:
    """Return ``message`` with one field changed, or one more."""
    return spelt({**message, name: value})


def batch(events: Iterable[bytes], shared: Mapping[str, bytes] | None = None) -> bytes:
    """Return a batch; by default it shares the session."""
    fields = {"session_id": GOOD["session_id"]} if shared is None else shared
    return spelt({**fields, "events": b"[" + b",".join(events) + b"]"})


def around(hostile: bytes) -> bytes:
    """Return a batch in which ``hostile`` stands between good events."""
    return batch([spelt(GOOD), hostile, with_field("session_id", b'"%s"' % str(OTHER_SESSION).encode())])


_GOOD = spelt(GOOD)

NO_EVENTS: list[bytes | None] = [
    None,
    b"",
    b" ",
    b"\x00",
    b"\xff\xfe",
    *b'null true 5 -0 1e999 "text" [] [{}] {} {"events":[]} {"events":null} {"events":{}} {"events":[null]}'.split(),
    *b'{"events":[[],5,"a",null,{}]} {} {}x NaN {"a":NaN} {,} {"a"} {"a":} {"a":1,} [1,] // # <xml/> --'.split(),
    b"\xef\xbb\xbf" + _GOOD,
    _GOOD.decode().encode("utf-16"),
    _GOOD.decode().encode("utf-16-be"),
    _GOOD.decode().encode("utf-32"),
    _GOOD[:-1],
    _GOOD[1:],
    _GOOD * 2,
    _GOOD + b"\n" + _GOOD,
    _GOOD + b"\x00",
    b"[" + _GOOD + b"]",
    _GOOD.replace(b'"', b"'"),
    _GOOD.replace(b",", b",,"),
    b"\x00\x00\x00\x00\x01" + _GOOD,  # the wire format of schema registries
    b"\x1f\x8b\x08\x00" + _GOOD,
    *(nested(levels, *pair) for levels in (200, 201, 100_000) for pair in ((b"[", b"]"), (b'{"a":', b"}"))),
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"9" * 4301,
    b"-" * 5_000,
    b'{"events":[' + b"{}," * 10_000 + b"{}]}",
    b'{"session_id":1,"session_id":' + GOOD["session_id"] + b"}",
]
"""Records that hold no good event."""
