"""Decides what a flush adds to heatmap points: where people clicked, moved and scrolled.

Events of one session, screen, kind and viewport in the same cell and the same ten seconds are
one point. A point is sums and a number, which add up in any order: nothing has to be read back.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

from pipeline.moments import moment
from schema.events import CLICK, MOUSE_MOVE, SCROLL
from schema.fields import US_PER_S
from schema.rows import HeatmapRow, KeptEvent

WINDOW_US = 10 * US_PER_S
"""The contract's ten seconds."""

KINDS = frozenset({CLICK, SCROLL, MOUSE_MOVE})


class _Point:
    __slots__ = ("first_us", "sum_x", "sum_y", "weight")

    def __init__(self, first_us: int) -> None:
        self.first_us = first_us
        self.weight = self.sum_x = self.sum_y = 0


def heatmap_rows(events: Iterable[KeptEvent], cell_px: int) -> list[HeatmapRow]:
    """Return what ``events`` add, each point once, in the order in which writers touch them.

    An event without coordinates counts for a point without them: weights add up to events.
    """
    points: dict[tuple[Any, ...], _Point] = {}
    for event in events:
        if event.event_type in KINDS:
            _add(points, event, cell_px)
    return [_row(key, point, cell_px) for key, point in points.items()]


def _add(points: dict[tuple[Any, ...], _Point], event: KeptEvent, cell_px: int) -> None:
    x, y = (None, event.scroll_position) if event.event_type == SCROLL else (event.x, event.y)
    key = (
        event.session_id,
        event.screen_name,
        event.event_type,
        event.viewport_width,
        event.viewport_height,
        event.time_us // WINDOW_US,
        None if x is None else x // cell_px,
        None if y is None else y // cell_px,
    )
    point = points.get(key)
    if point is None:
        point = points[key] = _Point(event.time_us)
    elif event.time_us < point.first_us:
        point.first_us = event.time_us
    point.weight += 1
    point.sum_x += x or 0
    point.sum_y += y or 0


def _row(key: tuple[Any, ...], point: _Point, cell_px: int) -> HeatmapRow:
    session_id, screen_name, kind, width, height, _, cell_x, cell_y = key
    return HeatmapRow(
        session_id,
        screen_name,
        kind,
        width,
        height,
        blake2b(repr((cell_px, *key[1:])).encode(), digest_size=16).digest(),
        point.weight,
        None if cell_x is None else point.sum_x,
        None if cell_y is None else point.sum_y,
        moment(point.first_us),
    )
