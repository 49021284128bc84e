"""Hostile values as JSON spells them, by what a field wants. Bytes, because some are not even text.

Every list holds the edges at which a value begins to be refused, on both sides, and what breaks careless programs.
"""

import json
from itertools import chain

from schema.events import Event


def _texts(*texts: str) -> list[bytes]:
    return [json.dumps(text, ensure_ascii=False).encode() for text in texts]


INTEGERS = [b"%d" % (sign * 2**power + off) for power in (31, 32, 53, 63, 64) for sign in (1, -1) for off in (-1, 0, 1)]
LONG_INTEGERS = [b"1" + b"0" * 400, b"9" * 4300, b"9" * 4301, b"-" + b"9" * 4301, b"7" * 20_000]
FRACTIONS = [
    *b"-0 -0.0 0.0 1.5 -0.5 0.49999999999999994 1e-400 5e-324 599.0 599.5 600 -1 1e3 12e-1 1E+2".split(),
    *b"2147483647.4 2147483647.5 -2147483648.5 -2147483648.6 1e19 1.8e308 1e309 1e999 -1e999".split(),
    b"9" * 5000 + b".5",
]
NOT_JSON_NUMBERS = b"NaN Infinity -Infinity nan +1 01 1. .5 0x10 1_000 1e --1 - \xef\xbc\x91".split()
NUMBERS = [*INTEGERS, *LONG_INTEGERS, *FRACTIONS, *NOT_JSON_NUMBERS]

ESCAPED_TEXTS = rb"""
    "\u0000" "a\u0000b" "\u0000\u0000" "\ud800" "\ude00\ud83d" "\uD83D\uDE00" "\ud83d\ud83d\ude00" "\\u0000" "\\ud800"
    "\uFFFE\uFFFF" "\u202e\u200b" "\\." "\\N" "\t\r\n\b\f" "\"\\\"" "\/" "\x41" "\q" "\u00zz" "\u12" "\ud8"
""".split()
BROKEN_TEXTS = [
    b'"\x00"',
    b'"\x01\x1f"',
    b'"\t"',
    b'"\n"',
    b'"\xff"',
    b'"\xed\xa0\x80"',
    b'"\xc0\xaf"',
    b'"\xf4\x90\x80\x80"',
    b'"\xe2\x82"',
    b"'a'",
    b'"',
]
INJECTIONS = _texts(
    "'; DROP TABLE events; --",
    '"; DROP TABLE "events"; --',
    "\\.",
    "\\N",
    "\\\\.\\n",
    "%s %(x)s %% %n",
    "{} {0} {0.__class__} ${jndi:ldap://x}",
    "$1 $$ $tag$ :name ?",
    "<script>alert(1)</script>",
    "../../etc/passwd\u2028\u2029",
    "=cmd|' /C calc'!A0",
)
ODD_TEXTS = _texts(
    "",
    " ",
    "\u202e\ufeff\u200b\U000e0001",
    "\ue000\uffff\U0010ffff",
    "e" + "\u0301" * 300,
    "NaN",
    "Infinity",
    "\u221e\ufffd",
    "null",
    "me@example.com",
    "4111 1111 1111 1111",
    "https://me:secret@example.com/a?b=c#d",
    "http://[::1",
    "//[/?#",
    "http://\u2100@x",
    "127.0.0.1",
    "::ffff:1.2.3.4%eth0",
    "1.2.3.4/\uff15",
)
LENGTHS = [
    json.dumps(letter * length, ensure_ascii=False).encode()
    for letter, length in chain(
        (("x", length) for length in (49, 50, 51, 99, 100, 101, 254, 255, 256, 300, 70_000)),
        (("\U0001f600", length) for length in (50, 51, 255, 256, 2_000)),
    )
]
TEXTS = [*ESCAPED_TEXTS, *BROKEN_TEXTS, *INJECTIONS, *ODD_TEXTS, *LENGTHS]

WRITTEN_DATES = b"""
    0001-01-01T00:00:00Z 0001-01-01T00:00:00+23:59 0000-01-01 0001-01-01 1969-12-31T23:59:59Z
    1999-12-31T23:59:59.999999Z 2000-01-01T00:00:00Z 2000-01-01T00:00:00+00:01 2024-01-05T12:00:00.1234567891Z
    2024-01-06T12:00:00Z 2024-01-06T12:00:00.000001Z 9999-12-31T23:59:59.999999Z 9999-12-31T23:59:59-23:59
    10000-01-01 +012024-01-05T00:00:00Z 2023-02-29 2024-02-30 2024-13-01 2024-01-05T24:00:00Z 2024-01-05T12:60
    2024-01-05T12:00:60Z 2024-01-05T12:00:00+24:00 2024-01-05T12:00:00+00:00:00.000001 2024-W01-5 2024-005
    20240105T120000,5Z 2024-01-05t12:00:00z 2024-01-05T12:00:00-00:00 2024-01-05T12 12:00 1704456000000 noon
""".split()
DATES = [
    *(b'"%s"' % date for date in WRITTEN_DATES),
    *_texts("2024-01-05 12:00:00 +01:00", "2024-01-05\u202812:00:00", "\uff12024-01-05", ""),
]
INSTANTS = [
    *DATES,
    *b"0 -1 1704456000 1704456000000 1704456000000.0 1.704456e12 1704456000000.5 1704456000000000 946684799999".split(),
    *b"946684800000 -62135596800000 -62135596800001 253402214400000 253402300799999 253402300800000".split(),
    *INTEGERS,
    *LONG_INTEGERS,
    *NOT_JSON_NUMBERS,
    b"1e999",
    b"true",
]
UUIDS = [
    *_texts(
        "",
        "me",
        "6F0D5D3C-3F0F-5A53-9B0E-6A1C0C9C7A11",
        "6f0d5d3c3f0f5a539b0e6a1c0c9c7a11",
        "{6f0d5d3c-3f0f-5a53-9b0e-6a1c0c9c7a11}",
        "urn:uuid:6f0d5d3c-3f0f-5a53-9b0e-6a1c0c9c7a11",
        "6f0d5d3c-3f0f-5a53-9b0e-6a1c0c9c7a1",
        "6f0d5d3c-3f0f-5a53-9b0e-6a1c0c9c7a1\uff11",
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "6f0d5d3c-3f0f-5a53-9b0e-6a1c0c9c7a11" * 3,
    ),
    *INJECTIONS,
    *ESCAPED_TEXTS,
    b"5",
    b"1" + b"0" * 5000,
]
PLAIN = b'null true false 0 "" [] {} [null] {"a":1}'.split()


def nested(levels: int, opening: bytes = b"[", closing: bytes = b"]", inner: bytes = b"0") -> bytes:
    """Return ``inner`` within so many levels."""
    return opening * levels + inner + closing * levels


DEEP = [
    nested(levels, *pair, inner)
    for levels in (99, 101, 196, 197, 198, 199, 200, 201, 1_100, 20_000)
    for pair in ((b"[", b"]"), (b'{"a":', b"}"))
    for inner in (b"0", rb'"\u0000"', rb'"\ud800"')
]
OBJECTS = [
    *b'{} {"":""} {"a":1,"a":2} {"a":1e999} {"a":[-1e999]} {"a":-0.0} {"a":NaN} {"__proto__":{"x":1}}'.split(),
    rb'{"\u0000":"\u0000","\ufffd":1}',
    rb'{"\ud800":{"\udfff":["\ud800\u0000"]}}',
    rb'{"a\u0000b":{"c":"d\u0000e"}}',
    b'{"x":' + b"9" * 4301 + b"}",
    b'{"x":[1e400,' + b"9" * 4300 + b"]}",
    b'{"' + b"k" * 70_000 + b'":1}',
    b'{"a":[' + b"0," * 30_000 + b"0]}",
    b"{" + b",".join(b'"%d":%d' % (number, number) for number in range(3_000)) + b"}",
    *(b'{"deep":' + deep + b"}" for deep in DEEP),
    *(b'{"a":' + text + b"}" for text in TEXTS),
    *(b'{"a":' + number + b"}" for number in NUMBERS),
    *(b"{" + text + b":1}" for text in TEXTS),
]
USERS = [
    *OBJECTS,
    *(b'{"external_user_id":' + text + b',"email":' + text + b',"locale":' + text + b"}" for text in TEXTS),
    *(b'{"external_user_id":"me","more":' + number + b"}" for number in NUMBERS),
]
ANYTHING = [*PLAIN, *NUMBERS, *TEXTS, *DEEP]

NUMBER_FIELDS = ("x", "y", "scroll_position", "viewport_width", "viewport_height", "latency_ms", "status_code")
FIELDS = {name: [*TEXTS, *PLAIN] for name in Event.model_fields} | {
    "session_id": UUIDS,
    "event_uuid": UUIDS,
    "timestamp": INSTANTS,
    "sent_at": INSTANTS,
    **{name: [*NUMBERS, *PLAIN] for name in NUMBER_FIELDS},
    "metadata": [*OBJECTS, *PLAIN],
    "user": [*USERS, *PLAIN],
    "unknown": ANYTHING,
}
"""What to try in each field of an event."""

CHUNK_FIELDS = {
    "session_id": UUIDS,
    "chunk_index": [*NUMBERS, *PLAIN],
    "chunk_data": [*ANYTHING, *OBJECTS],
    "timestamp": INSTANTS,
}

KEYS = [None, b"", b"\x00", b"\xff\xfe\x00\x80", b"someone else's", b"k" * 5_000, b"'; DROP TABLE events; --"]
"""Keys of records that are no session's id."""
