"""Hypothesis strategies for the values of records that nobody should send."""

import json
from collections.abc import Mapping

from hypothesis import strategies as st

from tests.hostile.messages import GOOD, GOOD_CHUNK, NO_EVENTS, RICH, around, batch, spelt, with_field
from tests.hostile.values import ANYTHING, CHUNK_FIELDS, FIELDS, PLAIN

Spelt = st.SearchStrategy[bytes]

TEXTS = st.text(st.characters(), max_size=30).map(json.dumps).map(str.encode)
"""Any text there is, lone surrogates and NUL included; mostly as escapes."""

NUMBERS = st.integers() | st.floats()
JSON: Spelt = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
).map(lambda value: json.dumps(value).encode())
"""NaN and Infinity included."""

VALUES: Spelt = st.sampled_from(ANYTHING) | TEXTS | JSON


def values_of(name: str, fields: Mapping[str, list[bytes]] = FIELDS) -> Spelt:
    """Return what to try in a field."""
    return st.sampled_from(fields.get(name, PLAIN)) | VALUES


def changes(most: int, fields: Mapping[str, list[bytes]] = FIELDS) -> st.SearchStrategy[list[tuple[bytes, bytes]]]:
    """Return hostile fields, some of them under odd names, and some twice."""
    known = st.sampled_from(sorted(fields)).flatmap(
        lambda name: st.tuples(st.just(b'"%s"' % name.encode()), values_of(name, fields))
    )
    return st.lists(known | st.tuples(TEXTS, VALUES), min_size=1, max_size=most)


def _changed(fields: Mapping[str, bytes], changed: list[tuple[bytes, bytes]]) -> bytes:
    return spelt([*((b'"%s"' % name.encode(), value) for name, value in fields.items()), *changed])


WHOLE = st.sampled_from([value for value in NO_EVENTS if value is not None]) | st.binary(max_size=60) | VALUES
EVENTS: Spelt = st.builds(_changed, st.sampled_from([GOOD, RICH]), changes(3))
AROUND: Spelt = (EVENTS | VALUES | WHOLE).map(around)
BATCHES: Spelt = st.lists(EVENTS | VALUES | st.just(spelt(GOOD)), max_size=5).map(batch)
SHARED: Spelt = st.builds(
    lambda shared, events: _changed(GOOD, [*shared, (b'"events"', b"[" + b",".join(events) + b"]")]),
    changes(2),
    st.lists(EVENTS | st.just(b"{}") | st.just(b'{"session_id":null}'), max_size=4),
)
CHUNKS: Spelt = st.builds(_changed, st.just(GOOD_CHUNK), changes(2, CHUNK_FIELDS))

_SOUND = st.sampled_from([spelt(GOOD), spelt(RICH), spelt(GOOD_CHUNK), around(b"{}"), with_field("x", b"7")])


def _damage(value: bytes, at: int, junk: bytes, instead: bool) -> bytes:
    cut = at % (len(value) + 1)
    return value[:cut] + junk + value[cut + (len(junk) if instead else 0) :]


DAMAGED: Spelt = st.builds(_damage, _SOUND | EVENTS, st.integers(0, 5_000), st.binary(max_size=8), st.booleans())

RECORDS: Spelt = st.one_of(WHOLE, EVENTS, AROUND, BATCHES, SHARED, CHUNKS, DAMAGED)
"""The value of a hostile record, whichever topic it comes from."""
