"""Decides which stored clicks have to be read back, and which of them the new ones touch.

A burst is a session's clicks, on whatever screens, each at most the rule's ``max_gap_ms`` after
the one before. New clicks may lengthen a burst, join two, or stand alone; all others stay as
they are. So a flush reads the tables around its new clicks, and wider where a burst reaches
the edge of what was read.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from pipeline.moments import moment
from schema.rows import BurstRow, Click


class Range(NamedTuple):
    """A stretch of a session, both ends included, with the new clicks that it is around."""

    session_id: UUID
    from_us: int
    to_us: int
    first_new_us: int
    last_new_us: int

    def wider(self) -> "Range":
        """Return a range around this one, three times as long: reading on costs as much as was read."""
        length = self.to_us - self.from_us
        return self._replace(from_us=self.from_us - length, to_us=self.to_us + length)

    def joined(self, other: "Range") -> "Range":
        """Return the range around this one and ``other``, of the same session, which begins no earlier."""
        return self._replace(
            to_us=max(self.to_us, other.to_us),
            first_new_us=min(self.first_new_us, other.first_new_us),
            last_new_us=max(self.last_new_us, other.last_new_us),
        )


READ_AROUND_GAPS = 8
"""How many times ``max_gap_ms`` is read on both sides at first: most bursts are shorter, most ranges small."""


def ranges(new: Iterable[Click], max_gap_us: int) -> list[Range]:
    """Return where stored clicks may be in a burst with ``new`` ones, as far as can be said beforehand."""
    around_us = READ_AROUND_GAPS * max_gap_us
    found = []
    for session_id, clicks in groupby(sorted(new, key=_by_session), key=lambda click: click.session_id):
        times = [click.time_us for click in clicks]
        first = last = times[0]
        for time_us in times[1:]:
            if time_us - last > 2 * around_us:
                found.append(Range(session_id, first - around_us, last + around_us, first, last))
                first = time_us
            last = time_us
        found.append(Range(session_id, first - around_us, last + around_us, first, last))
    return found


def unfinished(asked: Iterable[Range], clicks: Iterable[Click], max_gap_us: int) -> list[Range]:
    """Return, made wider, those ranges at whose edges a burst may go on; ``clicks`` are all known ones.

    Ranges that overlap then become one: a long burst is read once, however many new clicks are in it.
    """
    times: dict[UUID, list[int]] = {}
    for click in sorted(clicks, key=_by_session):
        times.setdefault(click.session_id, []).append(click.time_us)
    wider = [one.wider() for one in asked if not _is_finished(one, times[one.session_id], max_gap_us)]
    merged: list[Range] = []
    for one in sorted(wider):
        last = merged[-1] if merged else None
        if last is not None and last.session_id == one.session_id and one.from_us <= last.to_us:
            merged[-1] = last.joined(one)
        else:
            merged.append(one)
    return merged


def _is_finished(one: Range, times: Sequence[int], max_gap_us: int) -> bool:
    first, last = one.first_new_us, one.last_new_us
    place = bisect_left(times, first)
    while place > 0 and max(one.from_us, first - max_gap_us) <= times[place - 1]:
        place -= 1
        first = times[place]
    place = bisect_right(times, last)
    while place < len(times) and times[place] <= min(one.to_us, last + max_gap_us):
        last = times[place]
        place += 1
    return one.from_us <= first - max_gap_us and last + max_gap_us <= one.to_us


def touched(new: Iterable[Click], stored: Mapping[int, Click], max_gap_us: int) -> tuple[list[Click], list[BurstRow]]:
    """Return the clicks of all bursts that ``new`` ones are in, and the bursts that held rows before."""
    marked = [(click, False) for click in stored.values()] + [(click, True) for click in new]
    marked.sort(key=lambda pair: _by_session(pair[0]))
    clicks: list[Click] = []
    rows: list[BurstRow] = []
    begin = 0
    for end in range(1, len(marked) + 1):
        if end < len(marked) and _joined(marked[end - 1][0], marked[end][0], max_gap_us):
            continue
        burst = marked[begin:end]
        begin = end
        news = sum(is_new for _, is_new in burst)
        if news:
            clicks += [click for click, _ in burst]
        if news and len(burst) - news >= 2:  # fewer were no rage click under any rule
            first, last = burst[0][0], burst[-1][0]
            rows.append(BurstRow(first.session_id, moment(first.time_us), moment(last.time_us)))
    return clicks, rows


def _joined(one: Click, next_one: Click, max_gap_us: int) -> bool:
    return one.session_id == next_one.session_id and next_one.time_us - one.time_us <= max_gap_us


def _by_session(click: Click) -> tuple[int, int]:
    return click.session_id.int, click.time_us  # compared in C, as UUIDs are not
