"""Whatever is sent comes to lawful outcomes: see ``tests.hostile.laws`` for what is lawful."""

import pytest
from hypothesis import given, reject, settings

from pipeline.privacy import PrivacyPolicy
from pipeline.tidy import DecodePolicy
from schema.rows import DeadLetter, KeptEvent
from tests.builders import record
from tests.hostile.independent import read
from tests.hostile.laws import check, check_events
from tests.hostile.messages import GOOD, GOOD_CHUNK, NO_EVENTS, RICH, around, batch, spelt, with_field
from tests.hostile.strategies import EVENTS, RECORDS, VALUES
from tests.hostile.values import CHUNK_FIELDS, FIELDS

KEEPING = DecodePolicy(privacy=PrivacyPolicy(ip_address="keep", url_query="keep", free_text="keep", replay="keep"))
"""With nothing masked, other texts reach the columns."""


@settings(max_examples=500)
@given(RECORDS)
def test_any_hostile_record_comes_to_lawful_outcomes(value: bytes) -> None:
    check(value)
    check(value, KEEPING)


@given(EVENTS | VALUES)
def test_one_hostile_event_does_not_spoil_a_readable_batch(hostile: bytes) -> None:
    try:
        read(around(hostile))
    except ValueError:
        reject()
    before, _, after = check_events(record(around(hostile)))
    assert isinstance(before, KeptEvent)
    assert isinstance(after, KeptEvent)


@pytest.mark.parametrize("name", FIELDS)
def test_each_hostile_value_of_each_field_comes_to_lawful_outcomes(name: str) -> None:
    for value in FIELDS[name]:
        for message in (GOOD, RICH):
            check_events(record(with_field(name, value, message)))
        check_events(record(around(with_field(name, value))))
        check_events(record(batch([b"{}", spelt(GOOD)], {**GOOD, name: value})))


@pytest.mark.parametrize("name", CHUNK_FIELDS)
def test_each_hostile_value_of_a_chunk_comes_to_lawful_outcomes(name: str) -> None:
    for value in CHUNK_FIELDS[name]:
        check(with_field(name, value, GOOD_CHUNK))


@pytest.mark.parametrize("value", NO_EVENTS, ids=lambda value: repr(value)[:40])
def test_what_is_no_event_comes_to_dead_letters(value: bytes | None) -> None:
    assert all(isinstance(outcome, DeadLetter) for outcome in check(value))


TEN_MEGABYTES = [
    ("page_url", b'"%s"' % (b"a" * 10_000_000)),
    ("metadata", b'{"a":"%s"}' % (b"\\ud800" * 1_700_000)),
    ("metadata", b'{"a":[%s0]}' % (b"0," * 5_000_000)),
    ("error_message", b'"%s"' % ("\U0001f600".encode() * 2_500_000)),
    ("session_id", b'"%s"' % (b"\\" * 10_000_000)),
    ("x", b"7" * 10_000_000),
    ("unknown", b"7" * 10_000_000),
]


@pytest.mark.parametrize(("name", "value"), TEN_MEGABYTES, ids=lambda part: repr(part)[:12])
def test_a_value_of_ten_megabytes_comes_to_lawful_outcomes(name: str, value: bytes) -> None:
    check_events(record(with_field(name, value, RICH)))
