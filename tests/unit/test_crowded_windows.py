"""A window of latencies has so many screens and endpoints of its own; the rest are summed up."""

import pytest

from pipeline.crowded_windows import OTHER, Key, within_limit
from pipeline.moments import moment
from schema.rows import LatencyWindowRow
from tests.builders import at

START = moment(at(0))
LATER = moment(at(60))


def row(name: str, calls: int = 1, start: object = START, bins: dict[int, int] | None = None) -> LatencyWindowRow:
    """Return what a flush adds to a window for the endpoint ``name``, without a screen."""
    held = bins or {5: calls}
    assert start in (START, LATER)
    window = START if start == START else LATER
    return LatencyWindowRow(
        window, None, name, calls, 0, calls, 10 * calls, 100, calls, 0, sorted(held), [held[n] for n in sorted(held)]
    )


def names(rows: list[LatencyWindowRow]) -> dict[tuple[object, str], int]:
    """Return the calls of each window and endpoint; each is there once."""
    calls: dict[tuple[object, str], int] = {(one.window_start, one.api_endpoint): one.calls for one in rows}
    assert len(calls) == len(rows)
    return calls


@pytest.mark.parametrize(
    ("known", "most", "kept"),
    [
        (set[Key](), 3, {"a": 1, "b": 2, "c": 3}),
        (set[Key](), 2, {"b": 2, "c": 3, OTHER: 1}),
        ({(None, "x")}, 2, {"c": 3, OTHER: 3}),
        ({(None, "a"), (None, "x")}, 2, {"a": 1, OTHER: 5}),
        ({(None, "x"), (None, "y"), (None, "z")}, 2, {OTHER: 6}),
    ],
)
def test_there_is_room_for_known_keys_and_then_for_the_busiest(
    known: set[Key], most: int, kept: dict[str, int]
) -> None:
    rows, folded = within_limit([row("a", 1), row("b", 2), row("c", 3)], {START: known}, most)
    assert names(rows) == {(START, name): calls for name, calls in kept.items()}
    assert folded == 3 - len(kept.keys() - {OTHER})


def test_what_is_other_is_the_sum_of_its_rows() -> None:
    rows = [row("a", 9), row("b", 2, bins={1: 1, 7: 1}), row("c", 3, bins={0: 2, 7: 1})]
    *_, other = within_limit(rows, {}, 1).rows
    assert other == LatencyWindowRow(START, OTHER, OTHER, 5, 0, 2, 30, 200, 5, 0, [0, 1, 7], [2, 1, 2])


def test_each_window_has_room_of_its_own() -> None:
    rows, _ = within_limit([row("a"), row("b"), row("a", start=LATER)], {}, 1)
    assert names(rows) == {(START, "a"): 1, (START, OTHER): 1, (LATER, "a"): 1}


def test_who_is_called_other_takes_no_room() -> None:
    named = row(OTHER, 7)._replace(screen_name=OTHER)
    rows, folded = within_limit([named, row("a"), row("b")], {}, 1)
    assert (names(rows), folded) == ({(START, "a"): 1, (START, OTHER): 8}, 1)
