"""Keeps the screens and endpoints of a latency window within their limit: the rest is counted under ``other``.

Names come from trackers, and anyone can make them up: without a limit one minute could hold millions of rows. Which
keys a crowded window knows depends on which came first, and among those of one flush on which had the most calls;
its sums do not. Flushes at the same time do not see each other: so many workers may each use the room there was.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from schema.rows import LatencyWindowRow, Rows

OTHER = "other"

Key = tuple[str | None, str]
"""A window's screen and endpoint."""


class Windows(Protocol):
    """The latency windows that there are."""

    async def crowded_windows(self, new_keys: Mapping[datetime, int], most: int) -> Mapping[datetime, Collection[Key]]:
        """Return the keys of the windows that would have more than ``most`` with so many new ones."""
        ...


class WithinLimit(NamedTuple):
    """Rows of which some are sums under ``other``: of ``folded`` rows in all."""

    rows: list[LatencyWindowRow]
    folded: int


async def keep_within_limit(rows: Rows, windows: Windows, most: int) -> None:
    """Do to the latency windows of ``rows`` what :func:`within_limit` does, knowing ``windows``."""
    if brought := rows.latency_windows:
        known = await windows.crowded_windows(Counter(row.window_start for row in brought), most)
        rows.latency_windows, folded = within_limit(brought, known, most)
        rows.folded_latencies += folded  # those of an attempt before, if there was one, are folded in already


def within_limit(rows: Sequence[LatencyWindowRow], known: Mapping[datetime, Collection[Key]], most: int) -> WithinLimit:
    """Return ``rows`` with the keys for which a window has no room summed up under ``other``.

    ``known``: the keys of windows that may get crowded; of other windows nothing need be known.
    """
    brought = Counter(row.window_start for row in rows)
    crowded = {start for start, keys in brought.items() if keys + len(known.get(start, ())) > most}
    if not crowded:
        return WithinLimit(list(rows), 0)
    kept = [row for row in rows if row.window_start not in crowded]
    room = {start: most - len(known.get(start, ())) for start in crowded}
    others: dict[datetime, LatencyWindowRow] = {}
    folded = 0
    for row in sorted((row for row in rows if row.window_start in crowded), key=_busiest):
        start, key = row.window_start, (row.screen_name, row.api_endpoint)
        is_known = key in known.get(start, ())
        if key != (OTHER, OTHER) and (is_known or room[start] > 0):
            room[start] -= not is_known
            kept.append(row)
        else:
            folded += key != (OTHER, OTHER)
            others[start] = (
                _sum(others[start], row) if start in others else row._replace(screen_name=OTHER, api_endpoint=OTHER)
            )
    return WithinLimit(kept + list(others.values()), folded)


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
