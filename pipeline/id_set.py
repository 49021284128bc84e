"""A set of UUIDs in 16 bytes each: what a worker remembers of every event of every live session."""

from array import array
from bisect import bisect_left
from uuid import UUID

MOST_SORTED = 2_048
"""Adding to a sorted array moves half of it: beyond this, some 8 KB, a set is faster. It takes 90 bytes an id."""

_LOW = 2**64 - 1


class IdSet:
    """Ids, sorted by their lower halves; many of them in a plain set instead."""

    __slots__ = ("_highs", "_lows", "_many")

    def __init__(self) -> None:
        self._lows = array("Q")
        self._highs = array("Q")
        self._many: set[int] | None = None

    def __len__(self) -> int:
        return len(self._lows) if self._many is None else len(self._many)

    def __contains__(self, key: UUID) -> bool:
        if self._many is not None:
            return key.int in self._many
        return self._room(key.int & _LOW, key.int >> 64) < 0

    def add(self, key: UUID) -> bool:
        """Add ``key``; return False where it is in here already."""
        if self._many is None:
            low, high = key.int & _LOW, key.int >> 64
            place = self._room(low, high)
            if place < 0:
                return False
            if len(self._lows) < MOST_SORTED:
                self._lows.insert(place, low)
                self._highs.insert(place, high)
                return True
            self._many = {high << 64 | low for high, low in zip(self._highs, self._lows, strict=True)}
            self._lows, self._highs = array("Q"), array("Q")
        before = len(self._many)
        self._many.add(key.int)
        return len(self._many) > before

    def _room(self, low: int, high: int) -> int:
        """Return where an id belongs, or -1 where it is in here already."""
        place = bisect_left(self._lows, low)
        while place < len(self._lows) and self._lows[place] == low:
            if self._highs[place] == high:
                return -1
            place += 1
        return place

    def ids(self) -> list[UUID]:
        """Return the ids, in no order."""
        if self._many is not None:
            return [UUID(int=number) for number in self._many]
        return [UUID(int=high << 64 | low) for high, low in zip(self._highs, self._lows, strict=True)]
