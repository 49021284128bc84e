"""Decides what a flush adds to heatmap points: where people clicked, moved and scrolled.

Events of one session, screen, kind and viewport in the same cell and the same ten seconds are
one point. A point is sums and a number, which add up in any order: nothing has to be read back.
"""

from collections.abc import Iterable
from hashlib import blake2b
from struct import Struct
from uuid import UUID

from pipeline.moments import moment
from schema.events import CLICK, MOUSE_MOVE, SCROLL
from schema.fields import US_PER_S
from schema.rows import HeatmapRow, KeptEvent

WINDOW_US = 10 * US_PER_S
"""The contract's ten seconds."""

KINDS = frozenset({CLICK, SCROLL, MOUSE_MOVE})

_Plane = tuple[str, int | None, int | None, str | None, bool, bool]
"""Kind, viewport, screen, and whether there is no x, no y: what has cells."""

_Key = tuple[int, _Plane, int, int, int]
"""Session, plane, window, cell."""


_Point = tuple[UUID, int, int, int, int]
"""Session, weight, sums of x and y, and the earliest time in microseconds."""


def heatmap_rows(events: Iterable[KeptEvent], cell_px: int) -> list[HeatmapRow]:
    """Return what ``events`` add, each point once.

    An event without coordinates counts for a point without them: weights add up to events.
    """
    points: dict[_Key, _Point] = {}
    for event in events:
        kind = event.event_type
        if kind in KINDS:
            x, y = (None, event.scroll_position) if kind == SCROLL else (event.x, event.y)
            time_us = event.time_us
            key = (
                event.session_id.int,  # hashed in C, as a UUID is not
                (kind, event.viewport_width, event.viewport_height, event.screen_name, x is None, y is None),
                time_us // WINDOW_US,
                0 if x is None else x // cell_px,
                0 if y is None else y // cell_px,
            )
            point = points.get(key)
            if point is None:
                points[key] = (event.session_id, 1, x or 0, y or 0, time_us)
            else:
                session_id, weight, sum_x, sum_y, first_us = point
                points[key] = (session_id, weight + 1, sum_x + (x or 0), sum_y + (y or 0), min(first_us, time_us))
    digests: dict[_Plane, bytes] = {}
    return [_row(key, point, cell_px, digests) for key, point in points.items()]


def _row(key: _Key, point: _Point, cell_px: int, digests: dict[_Plane, bytes]) -> HeatmapRow:
    _, plane, window, cell_x, cell_y = key
    session_id, weight, sum_x, sum_y, first_us = point
    kind, width, height, screen_name, has_no_x, has_no_y = plane
    digest = digests.get(plane)
    if digest is None:
        digest = digests[plane] = _digest(plane, cell_px)
    return HeatmapRow(
        session_id,
        screen_name,
        kind,
        width,
        height,
        digest + _CELL.pack(window, cell_x, cell_y),
        weight,
        None if has_no_x else sum_x,
        None if has_no_y else sum_y,
        moment(first_us),
    )


_CELL = Struct(">qii")
"""Window and cell."""


def _digest(plane: _Plane, cell_px: int) -> bytes:
    """Return what tells planes of one session apart, also those of another size of cells."""
    told_apart = f"{cell_px} {plane}"
    return blake2b(told_apart.encode(), digest_size=8).digest()
