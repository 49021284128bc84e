"""Decides what a flush adds to heatmap points: where people clicked, moved and scrolled.

Events of one session, screen, kind and viewport in the same cell and the same ten seconds are
one point. A point is sums and a number, which add up in any order: nothing has to be read back.
"""

from collections.abc import Iterable
from hashlib import blake2b
from uuid import UUID

from pipeline.moments import moment
from schema.events import CLICK, MOUSE_MOVE, SCROLL
from schema.fields import US_PER_S
from schema.rows import HeatmapRow, KeptEvent

WINDOW_US = 10 * US_PER_S
"""The contract's ten seconds."""

KINDS = frozenset({CLICK, SCROLL, MOUSE_MOVE})

_Key = tuple[UUID, str | None, str, int | None, int | None, int, int | None, int | None]
"""Session, screen, kind, viewport, window, cell."""

_Sums = tuple[int, int, int, int]
"""Weight, sums of x and y, and the earliest time in microseconds."""


def heatmap_rows(events: Iterable[KeptEvent], cell_px: int) -> list[HeatmapRow]:
    """Return what ``events`` add, each point once.

    An event without coordinates counts for a point without them: weights add up to events.
    """
    points: dict[_Key, _Sums] = {}
    for event in events:
        kind = event.event_type
        if kind in KINDS:
            x, y = (None, event.scroll_position) if kind == SCROLL else (event.x, event.y)
            key = (
                event.session_id,
                event.screen_name,
                kind,
                event.viewport_width,
                event.viewport_height,
                event.time_us // WINDOW_US,
                None if x is None else x // cell_px,
                None if y is None else y // cell_px,
            )
            weight, sum_x, sum_y, first_us = points.get(key, (0, 0, 0, event.time_us))
            points[key] = (weight + 1, sum_x + (x or 0), sum_y + (y or 0), min(first_us, event.time_us))
    return [_row(key, sums, cell_px) for key, sums in points.items()]


def _row(key: _Key, sums: _Sums, cell_px: int) -> HeatmapRow:
    session_id, screen_name, kind, width, height, window, cell_x, cell_y = key
    weight, sum_x, sum_y, first_us = sums
    told_apart = f"{cell_px} {kind} {width} {height} {window} {cell_x} {cell_y} {screen_name!r}"
    return HeatmapRow(
        session_id,
        screen_name,
        kind,
        width,
        height,
        blake2b(told_apart.encode(), digest_size=16).digest(),
        weight,
        None if cell_x is None else sum_x,
        None if cell_y is None else sum_y,
        moment(first_us),
    )
