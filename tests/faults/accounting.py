"""Accounts of the source topics: every record is in a producer's log, and is refused just as far as that says."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from agents.decoder import Decoded
from schema.rows import Place, Record

DAY_US = 24 * 3600 * 1_000_000
"""What is dated further than this beyond its arrival is refused, by the contract with trackers."""

BAD_EVENT = 1
"""Which event is bad where one of a batch is."""

Where = tuple[str, int, int]
"""Topic, partition and offset."""

Indexes = set[int | None]
"""Which events of a record: their places in its batch, or None for the record as a whole."""


class Topics(NamedTuple):
    """What the source topics hold, record by record, and what decoding makes of it."""

    records: list[Record]
    decoded: Decoded


class Logged(NamedTuple):
    """What a producer noted of a record: the SHA-256 of its value, and "none", "one" or "all" for what is bad."""

    digest: str
    badness: str


def logged(produced: Iterable[Path]) -> dict[Where, Logged]:
    """Return what the producers' logs say by topic, partition and offset."""
    lines = (line.split() for log in produced for line in log.read_text().splitlines())
    return {(topic, int(partition), int(offset)): Logged(*said) for topic, partition, offset, *said in lines}


def assert_accounted_for(topics: Topics, produced: Mapping[Where, Logged]) -> None:
    """Check that the topics hold what producers logged and nothing else, and that just what is bad is refused."""
    found = {where(record): record for record in topics.records}
    assert not produced.keys() - found.keys(), f"Kafka lost {_some(produced.keys() - found.keys())}"
    assert not found.keys() - produced.keys(), f"no producer knows of {_some(found.keys() - produced.keys())}"
    kept = _indexes([e.place for e in topics.decoded.events] + [c.place for c in topics.decoded.chunks])
    refused = _indexes(letter.place for letter in topics.decoded.dead_letters)
    for at, record in found.items():
        assert sha256(record.value or b"").hexdigest() == produced[at].digest, f"Kafka changed {at}"
        bad = to_be_refused(record, produced[at].badness)
        good = set[int | None]() if bad == {None} else events_of(record).keys() - bad
        assert refused[at] == bad, f"of {at} {refused[at]} are refused and not {bad}"
        assert kept[at] == good, f"of {at} {kept[at]} are kept and not {good}"


def to_be_refused(record: Record, badness: str) -> Indexes:
    """Return what of a record nobody can accept: what was made bad, and what a wrong clock dated beyond tomorrow."""
    if badness == "all":
        return {None}
    bad = {index for index, event in events_of(record).items() if _is_beyond_tomorrow(event, record.arrival_us)}
    return bad | {BAD_EVENT} if badness == "one" else bad


def events_of(record: Record) -> dict[int | None, dict[str, Any]]:
    """Return a record's events by their place in its batch; the only one has None, and what is no JSON has none."""
    try:
        message = json.loads(record.value or b"")
    except ValueError:
        return {}
    events = message.pop("events", None)
    if events is None:
        return {None: message}
    return {index: message | event for index, event in enumerate(events)}


def where(record: Record) -> Where:
    """Return the record's topic, partition and offset."""
    return (*record.partition, record.offset)


def _is_beyond_tomorrow(event: Mapping[str, Any], arrival_us: int) -> bool:
    """Return whether the event's clock is days ahead and nothing says by how much."""
    dated = event.get("timestamp")
    return isinstance(dated, int) and "sent_at" not in event and dated * 1000 > arrival_us + DAY_US


def _indexes(places: Iterable[Place]) -> defaultdict[Where, Indexes]:
    found = defaultdict[Where, Indexes](set)
    for place in places:
        found[*place.partition, place.offset].add(place.index)
    return found


def _some(places: Iterable[Where]) -> str:
    found = sorted(places)
    return f"{len(found)} records, such as {found[0]}"
