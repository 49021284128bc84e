"""Adds up what a session's events say of how its person acts, topic by topic."""

from typing import Final

import numpy as np

from pipeline.emotions.clicks import QUICK_MS, of_clicks, of_errors
from pipeline.emotions.columns import NAMELESS, Columns, Floats, Ints, Kind
from pipeline.emotions.pointer import STILL_US, pointer_of
from pipeline.emotions.sums import NAMES, NEVER, Around, Sums

ASKED_US: Final = 5_000_000
KEY_US: Final = 3_000_000
PAUSE_US: Final = 1_200_000
IDLE_US: Final = 20_000_000


def sums_of(columns: Columns) -> Floats:
    """Return one row for each window of ``columns``, its columns in the order of :data:`NAMES`."""
    if not columns.windows:
        return np.zeros((0, len(NAMES)))
    sums, around = Sums(columns), Around.of(columns)
    _of_pointer(columns, around, sums)
    _of_pauses(columns, around, sums)
    of_clicks(columns, around, sums)
    of_errors(columns, around, sums)
    _of_scrolls(columns, around, sums)
    _of_views(columns, around, sums)
    _of_calls(columns, sums)
    return sums.rows()


def _of_pointer(columns: Columns, around: Around, sums: Sums) -> None:
    pointer, moves = pointer_of(columns), np.flatnonzero(columns.kind == Kind.MOVE)
    for name, values in pointer.measures.items():
        sums.measure(name, pointer.stroke_ends, values)
    clicks = np.flatnonzero(columns.kind == Kind.CLICK)
    last = around.sample[clicks]
    gap_us = around.gap_us(clicks, last)
    others = np.maximum(around.click[clicks], np.maximum(around.view[clicks], around.scroll[clicks]))
    is_reached = (gap_us <= STILL_US) & (last > others) & (columns.window[last] == columns.window[clicks])
    sums.measure("settle", clicks[is_reached], gap_us[is_reached] / 1000)
    sums.count("runs_to_click", clicks[is_reached])
    sums.count("runs", pointer.run_ends)
    sums.count("strokes", pointer.stroke_ends)
    sums.count("moves", moves)
    sums.count("hovers", moves[columns.element[moves] != NAMELESS])


def _of_pauses(columns: Columns, around: Around, sums: Sums) -> None:
    acts = columns.acts
    before = np.append(-1, acts[:-1])
    before[columns.session[before] != columns.session[acts]] = -1
    gap_us = around.gap_us(acts, before)
    kind, kind_before = columns.kind[acts], columns.kind[before]
    is_pause = (gap_us > PAUSE_US) & (gap_us < IDLE_US)
    after_deed = kind_before <= Kind.INPUT
    for name, is_such in (("pause_after_view", is_pause & ~after_deed), ("pause", is_pause & after_deed)):
        sums.measure(name, acts[is_such], gap_us[is_such] / 1000)
    sums.count("idles", acts[(gap_us >= IDLE_US) & (gap_us < NEVER)])
    sums.count("acts", acts)
    is_input = kind == Kind.INPUT
    is_beat = is_input & (kind_before == Kind.INPUT) & (gap_us > 0) & (gap_us < KEY_US)
    sums.measure("key_beat", acts[is_beat], gap_us[is_beat] / 1000)
    sums.count("inputs", acts[is_input])


def _of_scrolls(columns: Columns, around: Around, sums: Sums) -> None:
    scrolls = np.flatnonzero(columns.kind == Kind.SCROLL)
    last = around.scroll[scrolls]
    gap_us = around.gap_us(scrolls, last)
    goes_on = (last > around.view[scrolls]) & (gap_us < IDLE_US)
    is_beat = goes_on & (last > around.click[scrolls]) & (gap_us > 0) & (gap_us <= STILL_US)
    step = np.zeros(len(columns.kind))
    px = columns.scroll_position[scrolls] - columns.scroll_position[last]
    step[scrolls] = np.where(goes_on & ~np.isnan(px), px, 0.0)
    steps = np.flatnonzero(step)
    sums.measure("scroll_beat", scrolls[is_beat], gap_us[is_beat] / 1000)
    sums.measure("scroll_step", steps, np.abs(step[steps]))
    sums.count("scrolls", scrolls[~is_beat])
    sums.count("reversals", steps[step[steps] * step[around.scroll[steps]] < 0])


def _of_views(columns: Columns, around: Around, sums: Sums) -> None:
    views = np.flatnonzero(columns.kind == Kind.VIEW)
    screen, last = columns.screen[views], around.view[views]
    before_last = np.where(last >= 0, around.view[last], -1)
    is_return = (columns.screen[before_last] == screen) & (columns.screen[last] != screen)
    is_asked = around.gap_us(views, around.click[views]) <= ASKED_US
    sums.count("views", views)
    sums.count("backs", views[(around.gap_us(views, before_last) < NEVER) & is_return])
    sums.count("revisits", views[around.gap_us(views, _same_view(columns, views)) < NEVER])
    sums.count("unasked", views[(around.gap_us(views, last) < NEVER) & ~is_asked])


def _same_view(columns: Columns, views: Ints) -> Ints:
    """Return for each of ``views`` where its screen was viewed before, -1 for never."""
    order = np.lexsort((views, columns.screen[views], columns.session[views]))
    ordered = views[order]
    is_same = (np.diff(columns.session[ordered]) == 0) & (np.diff(columns.screen[ordered]) == 0)
    before = np.full(len(views), -1)
    before[order[1:]] = np.where(is_same, ordered[:-1], -1)
    return before


def _of_calls(columns: Columns, sums: Sums) -> None:
    calls = np.flatnonzero(columns.kind == Kind.CALL)
    status = columns.status_code[calls]
    sums.count("slow_calls", calls[columns.latency_ms[calls] > QUICK_MS])
    sums.count("failures", calls[(status == 0) | (status >= 500)])
    sums.count("refusals", calls[(status >= 400) & (status < 500)])
