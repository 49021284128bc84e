"""Which replays can be played, and why the others cannot."""

import json
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from pipeline.moments import moment
from tests.builders import SESSION, at, numbered
from tests.integration.test_analytics_sessions import ask, put

META, SNAPSHOT, CHANGE, CUSTOM = 4, 2, 3, 5

SIZE = {"width": 800, "height": 600}
PAGE: dict[str, Any] = {"node": {"type": 0, "childNodes": []}}

Chunks = dict[str, list[Any]]


def event(kind: Any, timestamp: Any, **more: Any) -> dict[str, Any]:
    """Return an event of rrweb."""
    return {"type": kind, "timestamp": timestamp, **more}


def told(*chunks: str) -> list[Any]:
    """Return chunks of the events that letters stand for, a millisecond apart: meta, snapshot, change, custom."""
    kinds: dict[str, dict[str, Any]] = {
        "m": {"kind": META, "data": SIZE},
        "s": {"kind": SNAPSHOT, "data": PAGE},
        "c": {"kind": CHANGE},
        "u": {"kind": CUSTOM},
    }
    times = iter(range(1_700_000_000_000, 1_700_000_001_000))
    return [[event(timestamp=next(times), **kinds[letter]) for letter in chunk] for chunk in chunks]


LATER, EARLIER = event(CHANGE, 1_700_000_000_500), event(CHANGE, 1_600_000_000_000)

PLAYABLE: Chunks = {
    "in one chunk": told("msccc"),
    "in several": told("ms", "c", "cc"),
    "over a border": told("m", "s", "c"),
    "without a change": told("ms"),
    "others between": told("umus", "uc"),
    "a second meta and snapshot": told("msc", "mscc"),
    "an empty chunk between": told("msc", "", "c"),
    "events that are no arrays": [event(META, 1, data=SIZE), event(SNAPSHOT, 1.5, data=PAGE), event(CHANGE, 2)],
    "at one moment": [[event(META, 1, data=SIZE), event(SNAPSHOT, 1, data=PAGE), event(CHANGE, 1)]],
}
UNPLAYABLE: dict[str, Chunks] = {
    "packed": {
        "chunks": [*told("ms"), "eJyrVkr..."],
        "events": [[*told("ms")[0], "eJyrVkr..."]],
    },
    "unreadable": {
        "null": [*told("ms"), None],
        "a number": [7],
        "an array in it": [[[1]]],
        "no time": [*told("ms"), [{"type": 3}]],
        "no type": [*told("ms"), [{"timestamp": 3}]],
        "a type that is text": [[event("4", 1, data=SIZE), event("2", 1, data=PAGE)]],
        "a time that is text": [[event(META, "1", data=SIZE), event(SNAPSHOT, "1", data=PAGE)]],
        "a time before all": [[event(META, -1, data=SIZE), event(SNAPSHOT, 1, data=PAGE)]],
        "a time after all": [[event(META, 1, data=SIZE), event(SNAPSHOT, 10**17, data=PAGE)]],
        "a snapshot without data": [[event(META, 1, data={}), event(SNAPSHOT, 2)]],
        "a snapshot without a page": [[event(META, 1, data=SIZE), event(SNAPSHOT, 2, data={"node": [PAGE]})]],
        "a meta without a size": [[event(META, 1, data={"href": "/"}), event(SNAPSHOT, 2, data=PAGE)]],
        "a size that is text": [[event(META, 1, data=SIZE | {"height": "600"}), event(SNAPSHOT, 2, data=PAGE)]],
    },
    "too_few_events": {"none": [[]], "one": told("m")},
    "no_full_snapshot": {
        "none": told("mc", "cc"),
        "after a change": told("mcs"),
        "in a later chunk": told("mc", "s", "c"),
        "nothing but custom": told("uu"),
    },
    "no_meta": {"none": told("sc"), "after the snapshot": told("sm", "c"), "after a change": told("sc", "m", "sc")},
    "out_of_order": {
        "in a chunk": [*told("ms"), [LATER, *told("c")[0]]],
        "over a border": [*told("msc"), [LATER], *told("c")],
        "over an empty chunk": [*told("ms"), [LATER], [], *told("c")],
        "long ago": [*told("ms"), [EARLIER]],
    },
}


def record(url: str, chunks: list[Any], first: int = 0) -> None:
    """Insert a session whose recording has these chunks."""
    put(url, "sessions", session_id=SESSION, start_time=moment(at(0)))
    with psycopg.connect(url) as connection:
        for index, chunk in enumerate(chunks, first):
            connection.execute(
                "INSERT INTO session_replay_chunks (session_id, chunk_index, chunk_data) VALUES (%s, %s, %s)",
                (SESSION, index, json.dumps(chunk)),
            )


def verdict(url: str) -> list[tuple[Any, ...]]:
    """Return what is said of the recording."""
    return ask(url, "SELECT chunks, is_playable, reason FROM analytics.replays")


@pytest.mark.parametrize("name", PLAYABLE)
def test_what_keeps_the_rules_can_be_played(database_url: str, name: str) -> None:
    record(database_url, PLAYABLE[name])
    assert verdict(database_url) == [(len(PLAYABLE[name]), True, None)]


@pytest.mark.parametrize(("reason", "name"), [(reason, name) for reason in UNPLAYABLE for name in UNPLAYABLE[reason]])
def test_what_breaks_a_rule_says_which(database_url: str, reason: str, name: str) -> None:
    chunks = UNPLAYABLE[reason][name]
    record(database_url, chunks)
    assert verdict(database_url) == [(len(chunks), False, reason)]


@pytest.mark.parametrize(
    ("indexes", "reason"),
    [
        ([1, 2], "missing_chunk"),
        ([0, 2], "missing_chunk"),
        ([0, 0], "repeated_chunk"),
        ([0, 1, 1], "repeated_chunk"),
        ([-1, 0], "missing_chunk"),
        ([None], "missing_chunk"),
        ([0, None], "missing_chunk"),
        ([0, 2, None], "missing_chunk"),
    ],
)
def test_chunks_are_there_from_0_on_without_gap_and_once(
    database_url: str, indexes: list[int | None], reason: str
) -> None:
    put(database_url, "sessions", session_id=SESSION)
    for index in indexes:
        put(database_url, "session_replay_chunks", session_id=SESSION, chunk_index=index, chunk_data=told("msc")[0])
    assert verdict(database_url) == [(len(indexes), False, reason)]


def test_a_chunk_that_says_nothing_is_unreadable(database_url: str) -> None:
    put(database_url, "sessions", session_id=SESSION)
    put(database_url, "session_replay_chunks", session_id=SESSION, chunk_index=0)
    put(database_url, "sessions", session_id=numbered(1))
    assert verdict(database_url) == [(1, False, "unreadable")]


def test_a_recording_that_retention_has_removed_chunks_of_is_no_mistake_of_the_recorder(database_url: str) -> None:
    record(database_url, told("c"), first=7)
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE sessions SET removed = '{events}'")
    assert verdict(database_url) == [(1, False, "missing_chunk")]
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE sessions SET removed = '{events,session_replay_chunks}'")
    assert verdict(database_url) == [(1, False, "removed")]


def test_a_change_of_a_chunk_changes_what_is_said_of_it(database_url: str) -> None:
    record(database_url, told("cc"))
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE session_replay_chunks SET chunk_data = %s", (json.dumps(told("msc")[0]),))
    assert verdict(database_url) == [(1, True, None)]


def test_reasons_of_a_period_have_their_share_of_all_its_replays(database_url: str) -> None:
    start = moment(at(0))
    after = [timedelta(0), timedelta(0), timedelta(0), timedelta(hours=1), -timedelta(seconds=1)]
    for number, (chunk, later) in enumerate(zip(["msc", "cc", "sc", "cc", "cc"], after, strict=True)):
        put(database_url, "sessions", session_id=numbered(number), start_time=start + later)
        put(
            database_url,
            "session_replay_chunks",
            session_id=numbered(number),
            chunk_index=0,
            chunk_data=told(chunk)[0],
        )
    put(database_url, "sessions", session_id=numbered(9), start_time=start)
    found = ask(database_url, "SELECT * FROM analytics.unplayable_replays(%s, %s)", start, start + timedelta(hours=1))
    assert found == [("no_full_snapshot", 1, 1 / 3), ("no_meta", 1, 1 / 3)]
