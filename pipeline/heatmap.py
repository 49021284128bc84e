"""Decides what a flush adds to heatmap points: where people clicked, moved and scrolled.

Events of one session, screen, kind and viewport in the same cell and the same ten seconds are
one point. A point is sums and a number, which add up in any order: nothing has to be read back.
"""

from collections.abc import Iterable
from hashlib import blake2b
from struct import Struct

from pipeline.moments import moment
from schema.events import CLICK, MOUSE_MOVE, SCROLL
from schema.fields import US_PER_S
from schema.rows import HeatmapRow, KeptEvent

WINDOW_US = 10 * US_PER_S
"""The contract's ten seconds."""

KINDS = frozenset({CLICK, SCROLL, MOUSE_MOVE})

_Plane = tuple[str, str | None, int | None, int | None, bool, bool]
"""Kind, screen, viewport, and whether there is no x, no y: what has cells."""

_CELL = Struct(">qii")
"""Window and cell: they come after the digest of the plane in a point's key."""

_Point = tuple[KeptEvent, int, int | None, int | None, int]
"""One of the events, their number, the sums of x and of y, and the earliest time in microseconds."""


def heatmap_rows(events: Iterable[KeptEvent], cell_px: int) -> list[HeatmapRow]:
    """Return what ``events`` add, each point once.

    An event without coordinates counts for a point without them: weights add up to events.
    """
    points: dict[tuple[int, bytes], _Point] = {}
    digests: dict[_Plane, bytes] = {}
    for event in events:
        kind = event.event_type
        if kind in KINDS:
            x, y = (None, event.scroll_position) if kind == SCROLL else (event.x, event.y)
            plane = kind, event.screen_name, event.viewport_width, event.viewport_height, x is None, y is None
            digest = digests.get(plane)
            if digest is None:
                digest = digests[plane] = _digest(plane, cell_px)
            time_us = event.time_us
            cell = _CELL.pack(time_us // WINDOW_US, (x or 0) // cell_px, (y or 0) // cell_px)
            key = event.session_id.int, digest + cell  # a number is hashed in C, a UUID is not
            point = points.get(key)
            points[key] = (event, 1, x, y, time_us) if point is None else _joined(point, x, y, time_us)
    return [_row(point_key, point) for (_, point_key), point in points.items()]


def _joined(point: _Point, x: int | None, y: int | None, time_us: int) -> _Point:
    event, weight, sum_x, sum_y, first_us = point
    return (
        event,
        weight + 1,
        None if sum_x is None else sum_x + (x or 0),
        None if sum_y is None else sum_y + (y or 0),
        min(first_us, time_us),
    )


def _row(point_key: bytes, point: _Point) -> HeatmapRow:
    event, weight, sum_x, sum_y, first_us = point
    return HeatmapRow(
        event.session_id,
        event.screen_name,
        event.event_type,
        event.viewport_width,
        event.viewport_height,
        point_key,
        weight,
        sum_x,
        sum_y,
        moment(first_us),
    )


def _digest(plane: _Plane, cell_px: int) -> bytes:
    """Return what tells a session's planes apart, also those with cells of another size."""
    return blake2b(f"{cell_px} {plane}".encode(), digest_size=8).digest()
