"""The verdict on campaigns sees what is wrong: each of its accounts is balanced here, then put out of balance."""

import json
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest

from agents.decoder import Decoder
from agents.settings import Settings
from schema.rows import Partition, Place, Record
from tests.builders import decoded_by
from tests.deployment import TABLES, Tables
from tests.faults.accounting import Logged, Topics, Where, assert_accounted_for, to_be_refused, where
from tests.faults.calm import assert_filled
from tests.faults.dead_letters import Letter, assert_copies
from tests.faults.verdict import lasting_through

NOW_MS = 1_700_000_000_000
TEN_YEARS_MS = 10 * 365 * 24 * 3600 * 1000
SESSION = "0c6f4f5e-8f6c-4d7e-9a59-2f6b3c1d2e3f"
CLICK = {"session_id": SESSION, "event_type": "click", "timestamp": NOW_MS}
LATER = {**CLICK, "timestamp": NOW_MS + TEN_YEARS_MS}
WRONG = {"event_type": "click", "timestamp": "yesterday"}
EVENTS, REPLAY = Partition("events", 0), Partition("replay", 0)


def record(message: Any, offset: int = 0, partition: Partition = EVENTS) -> Record:
    value = message if isinstance(message, bytes) else json.dumps(message).encode()
    return Record(partition, offset, NOW_MS * 1000, SESSION.encode(), value)


@pytest.mark.parametrize(
    ("message", "badness", "refused"),
    [
        (CLICK, "none", set()),
        ({"events": [CLICK, CLICK]}, "none", set()),
        (b"{", "all", {None}),
        ({"events": [CLICK, WRONG, CLICK]}, "one", {1}),
        (LATER, "none", {None}),
        ({"events": [CLICK, CLICK, LATER]}, "none", {2}),
        ({"events": [LATER, WRONG, CLICK]}, "one", {0, 1}),
        ({**LATER, "sent_at": LATER["timestamp"]}, "none", set()),
        ({"sent_at": LATER["timestamp"], "events": [LATER]}, "none", set()),
    ],
)
def test_what_was_made_bad_or_is_dated_beyond_tomorrow_is_to_be_refused(
    message: Any, badness: str, refused: set[int | None]
) -> None:
    assert to_be_refused(record(message), badness) == refused


CHUNK = {"session_id": SESSION, "chunk_index": 0, "chunk_data": {}}
RECORDS = [
    record(CLICK, 0),
    record({"events": [CLICK, WRONG, CLICK]}, 1),
    record(b"", 2),
    record(CHUNK, 0, REPLAY),
    record(LATER, 3),
]
BADNESS = ("none", "one", "all", "none", "none")


def topics(records: list[Record]) -> Topics:
    return Topics(records, decoded_by(Decoder(Settings().decode_policy(), REPLAY.topic), records))


@pytest.fixture
def log() -> dict[Where, Logged]:
    """What a producer of the records above would have noted."""
    return {
        where(record): Logged(sha256(record.value or b"").hexdigest(), badness)
        for record, badness in zip(RECORDS, BADNESS, strict=True)
    }


def test_records_as_their_producer_logged_them_are_accounted_for(log: dict[Where, Logged]) -> None:
    assert_accounted_for(topics(RECORDS), log)


@pytest.mark.parametrize("place", [where(record) for record in RECORDS])
def test_a_record_that_is_not_there_is_missed(log: dict[Where, Logged], place: Where) -> None:
    with pytest.raises(AssertionError, match="Kafka lost 1 records"):
        assert_accounted_for(topics([record for record in RECORDS if where(record) != place]), log)


@pytest.mark.parametrize("place", [where(record) for record in RECORDS])
def test_a_record_that_no_producer_knows_of_is_noticed(log: dict[Where, Logged], place: Where) -> None:
    del log[place]
    with pytest.raises(AssertionError, match="no producer knows of 1 records"):
        assert_accounted_for(topics(RECORDS), log)


def test_a_record_with_other_bytes_is_noticed(log: dict[Where, Logged]) -> None:
    with pytest.raises(AssertionError, match="Kafka changed"):
        assert_accounted_for(topics([record({**CLICK, "x": 1}), *RECORDS[1:]]), log)


@pytest.mark.parametrize(("number", "badness"), [(0, "all"), (1, "none"), (2, "none"), (3, "all")])
def test_a_bad_record_that_was_accepted_is_noticed_and_a_good_one_that_was_refused(
    log: dict[Where, Logged], number: int, badness: str
) -> None:
    place = where(RECORDS[number])
    log[place] = log[place]._replace(badness=badness)
    with pytest.raises(AssertionError, match=" and not "):
        assert_accounted_for(topics(RECORDS), log)


@pytest.mark.parametrize("outcome", ["events", "chunks", "dead_letters"])
def test_what_vanished_while_it_was_decoded_is_noticed(log: dict[Where, Logged], outcome: str) -> None:
    found = topics(RECORDS)
    getattr(found.decoded, outcome).pop()
    with pytest.raises(AssertionError, match=r"are kept and not|are refused and not"):
        assert_accounted_for(found, log)


LETTER: Letter = (Place(EVENTS, 2), "empty", b"")


@pytest.mark.parametrize(
    ("count", "refused", "claims", "fine"),
    [(1, 1, {}, True), (2, 1, {}, False), (2, 2, {}, True), (3, 1, {EVENTS: 3}, True), (4, 1, {EVENTS: 3}, False)],
)
def test_a_dead_letter_comes_as_often_as_it_was_refused_and_its_partition_claimed(
    count: int, refused: int, claims: dict[Partition, int], fine: bool
) -> None:
    actual, expected = Counter({LETTER: count}), Counter({LETTER: refused})
    if fine:
        assert_copies(actual, expected, claims)
    else:
        with pytest.raises(AssertionError, match="1 dead letters are there too often"):
            assert_copies(actual, expected, claims)


@pytest.mark.parametrize("empty", [*TABLES, "latency_rollups"])
def test_a_table_that_nothing_filled_is_noticed(empty: str) -> None:
    tables: Tables = {table: Counter({("row",): 1}) for table in (*TABLES, "latency_rollups")}
    assert_filled(tables)
    tables[empty] = Counter()
    with pytest.raises(AssertionError, match=f"nothing is in {empty}"):
        assert_filled(tables)


def test_what_comes_and_goes_does_not_last() -> None:
    looks: Iterator[list[str]] = iter([["a", "b", "c"], ["b", "c"], ["a", "c", "d"]])
    assert lasting_through(lambda: next(looks, ["a", "c", "d"]), 0.5) == {"c"}


def test_nothing_is_waited_for_where_nothing_is_there() -> None:
    assert lasting_through(list, 1e9) == set()
