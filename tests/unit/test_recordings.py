"""Which recordings play, and what is said of those that do not."""

from typing import Any

import pytest

from pipeline.recordings import Fault, Recording, examine

META, SNAPSHOT, CHANGE, CUSTOM = 4, 2, 3, 5


def events(*types: int, start: float = 0) -> list[dict[str, Any]]:
    """Return events of these types, a second apart."""
    data = {META: {"width": 800, "height": 600}, SNAPSHOT: {"node": {}}}
    return [{"type": kind, "data": data.get(kind, {}), "timestamp": start + 1000 * n} for n, kind in enumerate(types)]


BEGINNING = events(META, SNAPSHOT)


def faults(*chunks: tuple[int | None, Any]) -> tuple[str, ...]:
    return tuple(map(str, examine(chunks).faults))


def test_a_whole_recording_plays() -> None:
    chunks = [(0, BEGINNING), (1, events(CHANGE, CUSTOM, start=2000)), (2, [])]
    assert examine(chunks) == Recording(3, 4, 0, 3000, True, ())


def test_the_start_is_the_earliest_event_wherever_it_is() -> None:
    recording = examine([(0, events(META, SNAPSHOT, start=9000)), (1, events(CHANGE, start=500.5))])
    assert (recording.start_ms, recording.end_ms) == (500.5, 10_000)


@pytest.mark.parametrize(
    ("indexes", "said"),
    [
        ([0, 1, 3], ("missing chunk: 2",)),
        ([1], ("missing chunk: 0",)),
        ([0, 3, 9], ("missing chunk: 1, 2, 4, 5, 6 and more",)),
        ([0, 6], ("missing chunk: 1, 2, 3, 4, 5",)),
        ([0, 2_147_483_647], ("missing chunk: 1, 2, 3, 4, 5 and more",)),
        ([0, 0, 1], ("repeated chunk: 0",)),
        ([0, 0, 0, 2], ("repeated chunk: 0", "missing chunk: 1")),
        ([-1, 0], ("missing chunk",)),
        ([-1, -1, 0], ("repeated chunk: -1", "missing chunk")),
        ([0, None], ("missing chunk",)),
        ([0, 2, None, None], ("missing chunk: 1",)),
    ],
)
def test_each_chunk_has_to_be_there_once(indexes: list[int | None], said: tuple[str, ...]) -> None:
    chunks = [(index, events(META, SNAPSHOT, start=10_000 * place)) for place, index in enumerate(indexes)]
    assert faults(*chunks) == said


@pytest.mark.parametrize(
    ("time_ms", "said"),
    [(999, ("out of order: 1",)), (1000, ()), (1001, ())],
)
def test_events_have_to_be_in_the_order_of_their_time(time_ms: int, said: tuple[str, ...]) -> None:
    assert faults((0, BEGINNING), (1, events(CHANGE, start=time_ms))) == said


@pytest.mark.parametrize(
    ("types", "said"),
    [
        ([META, SNAPSHOT, CHANGE], ()),
        ([CUSTOM, META, CUSTOM, SNAPSHOT, CHANGE], ()),
        ([META, CHANGE, SNAPSHOT], ("no full snapshot",)),
        ([SNAPSHOT, META, CHANGE], ("no meta",)),
        ([SNAPSHOT, CHANGE], ("no meta",)),
        ([META, CHANGE, CHANGE], ("no full snapshot",)),
        ([SNAPSHOT], ("too few events", "no meta")),
        ([], ("too few events", "no full snapshot")),
    ],
)
def test_a_page_has_to_be_there_before_it_changes(types: list[int], said: tuple[str, ...]) -> None:
    assert faults((0, events(*types))) == said


@pytest.mark.parametrize(
    ("unreadable", "said"),
    [
        ("packed \x01", "packed"),
        (["packed"], "packed"),
        (7, "unreadable"),
        (None, "unreadable"),
        ([[]], "unreadable"),
        ({"events": []}, "unreadable"),
        ([{"type": 3}], "unreadable"),
        ([{"type": "3", "timestamp": 1}], "unreadable"),
        ([{"type": True, "timestamp": 1}], "unreadable"),
        ([{"type": 3, "timestamp": -1}, "packed"], "unreadable"),
        ([{"type": 3, "timestamp": 10**16 + 1}], "unreadable"),
        ([{"type": 2, "timestamp": 9000}], "unreadable"),
        ([{"type": 2.0, "timestamp": 9000, "data": {"node": None}}], "unreadable"),
        ([{"type": 2, "timestamp": 9000, "data": [{"node": {}}]}], "unreadable"),
        ([{"type": 4, "timestamp": 9000, "data": {}}], "unreadable"),
        ([{"type": 4, "timestamp": 9000, "data": {"width": 800, "height": "600"}}], "unreadable"),
        ([{"type": 4, "timestamp": 9000, "data": {"width": True, "height": 600}}], "unreadable"),
    ],
)
def test_what_no_player_can_read_is_named(unreadable: Any, said: str) -> None:
    recording = examine([(0, BEGINNING), (1, unreadable)])
    assert recording.faults == (Fault(said, (1,)),)
    assert recording.events == 2


@pytest.mark.parametrize(
    ("data", "is_shown"), [(BEGINNING, True), (BEGINNING[1:], False), (events(META, CHANGE), False), ("packed", False)]
)
def test_a_player_shows_what_has_a_snapshot_and_another_event(data: Any, is_shown: bool) -> None:
    assert examine([(3, data)]).can_be_shown is is_shown
