"""Keeps the screens and endpoints of a latency window within their limit: the rest is counted under ``other``.

Names come from trackers, and anyone can make them up: without a limit one minute could hold millions of rows. Which
keys a crowded window knows depends on which came first, and among those of one flush on which had the most calls;
its sums do not.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from schema.rows import LatencyWindowRow

OTHER = "other"

Key = tuple[str | None, str]
"""A window's screen and endpoint."""


class Windows(Protocol):
    """The latency windows that there are."""

    async def crowded_windows(self, new_keys: Mapping[datetime, int], most: int) -> Mapping[datetime, Collection[Key]]:
        """Return the keys of the windows that would have more than ``most`` with so many new ones."""
        ...


async def kept_within_limit(rows: Sequence[LatencyWindowRow], windows: Windows, most: int) -> list[LatencyWindowRow]:
    """Return what :func:`within_limit` does, knowing ``windows``."""
    known = await windows.crowded_windows(Counter(row.window_start for row in rows), most) if rows else {}
    return within_limit(rows, known, most)


def within_limit(
    rows: Sequence[LatencyWindowRow], known: Mapping[datetime, Collection[Key]], most: int
) -> list[LatencyWindowRow]:
    """Return ``rows`` with the keys for which a window has no room summed up under ``other``.

    ``known``: the keys of windows that may get crowded; of other windows nothing need be known.
    """
    brought = Counter(row.window_start for row in rows)
    crowded = {start for start, keys in brought.items() if keys + len(known.get(start, ())) > most}
    if not crowded:
        return list(rows)
    kept = [row for row in rows if row.window_start not in crowded]
    room = {start: most - len(known.get(start, ())) for start in crowded}
    others: dict[datetime, LatencyWindowRow] = {}
    for row in sorted((row for row in rows if row.window_start in crowded), key=_busiest):
        start, key = row.window_start, (row.screen_name, row.api_endpoint)
        is_known = key in known.get(start, ())
        if key != (OTHER, OTHER) and (is_known or room[start] > 0):
            room[start] -= not is_known
            kept.append(row)
        else:
            others[start] = (
                _sum(others[start], row) if start in others else row._replace(screen_name=OTHER, api_endpoint=OTHER)
            )
    return kept + list(others.values())


def _busiest(row: LatencyWindowRow) -> tuple[int, str, str]:
    return -row.calls, row.screen_name or "", row.api_endpoint


def _sum(one: LatencyWindowRow, other: LatencyWindowRow) -> LatencyWindowRow:
    """Return ``one`` with the calls of ``other`` in it."""
    bins = Counter(dict(zip(one.bins, one.bin_calls, strict=True)))
    bins.update(dict(zip(other.bins, other.bin_calls, strict=True)))
    numbers = sorted(bins)
    return one._replace(
        calls=one.calls + other.calls,
        errors=one.errors + other.errors,
        min_ms=min(one.min_ms, other.min_ms),
        max_ms=max(one.max_ms, other.max_ms),
        sum_ms=one.sum_ms + other.sum_ms,
        satisfied=one.satisfied + other.satisfied,
        tolerating=one.tolerating + other.tolerating,
        bins=numbers,
        bin_calls=[bins[number] for number in numbers],
    )
