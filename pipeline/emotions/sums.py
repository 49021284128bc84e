"""What each window of a session says of how its person acts, as numbers that add up over windows.

A measure is kept as how often it could be taken and the sum of what it was, a count as a number.
What a window says follows from its own events, those of the ``LOOKBACK_US`` before it begins, and,
for what came of a click, those of the ``AHEAD_US`` after that: from nothing else.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from pipeline.emotions.columns import NAMELESS, WINDOW_US, Bools, Columns, Floats, Ints, Kind
from pipeline.emotions.measures import COUNTS, MEASURES
from pipeline.emotions.pointer import STILL_US, pointer_of

LOOKBACK_US: Final = 120_000_000
AHEAD_US: Final = 10_000_000

EFFECT_US: Final = 2_500_000
"""A click that led to nothing within this is dead, as PostHog's autocapture has it."""

ERROR_US: Final = 2_000_000
AGAIN_US: Final = 1_000_000
AGAIN_PX: Final = 30.0
ASKED_US: Final = 5_000_000
KEY_US: Final = 3_000_000
PAUSE_US: Final = 1_200_000
IDLE_US: Final = 20_000_000
NEVER: Final = 2**62


class Sums:
    """Collects the sums of every window of ``columns``."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._by_name: dict[str, Floats] = {}

    def count(self, name: str, places: Bools | Ints) -> None:
        """Count the events at ``places``."""
        self._by_name[name] = self._counted(self._columns.window[places])

    def measure(self, name: str, places: Bools | Ints, values: Floats) -> None:
        """Take the measure at ``places``, where the value is no NaN."""
        is_known = ~np.isnan(values)
        windows = self._columns.window[places][is_known]
        scaled = MEASURES[name].scaled(values[is_known])
        self._by_name[f"{name}:number"] = self._counted(windows)
        self._by_name[f"{name}:sum"] = self._counted(windows, scaled)

    def _counted(self, windows: Ints, weights: Floats | None = None) -> Floats:
        return np.bincount(windows, weights, self._columns.windows).astype(np.float64)

    def rows(self) -> Floats:
        """Return a row per window, its columns in the order of :data:`NAMES`."""
        return np.stack([self._by_name[name] for name in NAMES], axis=1)


NAMES: Final = (*(f"{name}:{part}" for name in MEASURES for part in ("number", "sum")), *COUNTS)


@dataclass(frozen=True, slots=True)
class _Around:
    """What was before each event of ``columns``: places of the last event of each kind, -1 for none."""

    columns: Columns
    event: Ints
    click: Ints
    move: Ints
    scroll: Ints
    view: Ints

    def gap_us(self, place: Ints) -> Ints:
        """Return how long before each event its ``place`` is, ``NEVER`` where there is none within the lookback."""
        time_us = self.columns.time_us
        horizon_us = time_us - time_us % WINDOW_US - LOOKBACK_US
        is_seen = (place >= 0) & (time_us[place] >= horizon_us)
        return np.where(is_seen, time_us - time_us[place], NEVER)


def sums_of(columns: Columns) -> Floats:
    """Return one row for each window of ``columns``."""
    sums = Sums(columns)
    if not columns.windows:
        return np.zeros((0, len(NAMES)))
    kind = columns.kind
    everything = np.ones(len(kind), dtype=np.bool_)
    is_of = [everything, *(kind == each for each in (Kind.CLICK, Kind.MOVE, Kind.SCROLL, Kind.VIEW))]
    around = _Around(columns, *map(columns.latest, is_of))
    _of_pointer(columns, around, sums)
    _of_pauses(columns, around, sums)
    _of_clicks(columns, around, sums)
    _of_scrolls(columns, around, sums)
    _of_views(columns, around, sums)
    _of_services(columns, around, sums)
    return sums.rows()


def _of_pointer(columns: Columns, around: _Around, sums: Sums) -> None:
    pointer, is_move = pointer_of(columns), columns.kind == Kind.MOVE
    for name, values in pointer.measures.items():
        sums.measure(name, pointer.stroke_ends, values)
    gap_us = around.gap_us(around.move)
    is_reached = (columns.kind == Kind.CLICK) & (gap_us <= STILL_US) & (columns.window[around.move] == columns.window)
    is_reached &= around.move > np.maximum(around.click, np.maximum(around.view, around.scroll))
    sums.measure("settle", is_reached, gap_us[is_reached] / 1000)
    sums.count("runs_to_click", is_reached)
    sums.count("runs", pointer.run_ends)
    sums.count("strokes", pointer.stroke_ends)
    sums.count("moves", is_move)
    sums.count("hovers", is_move & (columns.element != NAMELESS))


def _of_pauses(columns: Columns, around: _Around, sums: Sums) -> None:
    gap_us = around.gap_us(around.event)
    is_pause = (gap_us > PAUSE_US) & (gap_us < IDLE_US)
    after_deed = columns.kind[around.event] <= Kind.INPUT
    for name, places in (("pause_after_view", is_pause & ~after_deed), ("pause", is_pause & after_deed)):
        sums.measure(name, places, gap_us[places] / 1000)
    sums.count("idles", (gap_us >= IDLE_US) & (gap_us < NEVER))
    sums.count("events", np.arange(len(columns.kind)))
    is_input = columns.kind == Kind.INPUT
    is_beat = is_input & (columns.kind[around.event] == Kind.INPUT) & (gap_us > 0) & (gap_us < KEY_US)
    sums.measure("key_beat", is_beat, gap_us[is_beat] / 1000)
    sums.count("inputs", is_input)


def _of_clicks(columns: Columns, around: _Around, sums: Sums) -> None:
    is_click, last = columns.kind == Kind.CLICK, around.click
    px = np.hypot(columns.x - columns.x[last], columns.y - columns.y[last])
    is_near = (px <= AGAIN_PX) | ((columns.element == columns.element[last]) & (columns.element != NAMELESS))
    is_again = is_click & (around.gap_us(last) <= AGAIN_US) & is_near
    is_third = is_again & is_again[last]
    is_try = is_click & ~is_again
    sums.count("clicks", is_click)
    sums.count("tries", is_try)
    sums.count("repeats", is_again)
    sums.count("doubles", is_again & ~is_third)
    sums.count("bursts", is_third & ~is_third[last])
    sums.count("dead", _without_effect(columns, np.flatnonzero(is_try)))
    sums.count("familiar", is_try & (around.gap_us(_same_elsewhere(columns)) < NEVER))
    is_error = columns.kind == Kind.ERROR
    sums.count("errors", is_error)
    sums.count("errors_after_click", is_error & (around.gap_us(last) <= ERROR_US))


def _without_effect(columns: Columns, clicks: Ints) -> Ints:
    """Return those of ``clicks`` after which no view, input or call began in time."""
    is_call = (columns.kind == Kind.CALL) & (columns.latency_ms * 1000 <= AHEAD_US - EFFECT_US)
    effects = np.flatnonzero((columns.kind == Kind.VIEW) | (columns.kind == Kind.INPUT) | is_call)
    latency_us = np.where(is_call, columns.latency_ms, 0.0)[effects] * 1000
    time_us = np.concatenate([columns.time_us[effects] - latency_us.astype(np.int64), columns.time_us[clicks]])
    session = np.concatenate([columns.session[effects], columns.session[clicks]])
    is_effect = np.arange(len(time_us)) < len(effects)
    order = np.lexsort((is_effect, time_us, session))  # of one instant, the click is first
    places = np.where(is_effect[order], np.arange(len(order)), len(order) - 1)
    following = np.empty(len(order), dtype=np.int64)
    following[order] = order[np.minimum.accumulate(places[::-1])[::-1]]
    after, of_click = following[len(effects) :], np.arange(len(effects), len(order))
    has_effect = is_effect[after] & (session[after] == session[of_click])
    has_effect &= time_us[after] - time_us[of_click] <= EFFECT_US
    without: Ints = clicks[~has_effect]
    return without


def _same_elsewhere(columns: Columns) -> Ints:
    """Return for each event where its element was last met on another screen, -1 for never."""
    named = np.flatnonzero((columns.element != NAMELESS) & (columns.kind <= Kind.MOVE))
    named = named[np.lexsort((named, columns.element[named], columns.session[named]))]
    is_other = np.ones(len(named), dtype=np.bool_)
    is_other[1:] = (np.diff(columns.session[named]) != 0) | (np.diff(columns.element[named]) != 0)
    moved_on = is_other.copy()
    moved_on[1:] |= np.diff(columns.screen[named]) != 0
    stay = np.maximum.accumulate(np.where(moved_on, np.arange(len(named)), 0))
    places = np.full(len(columns.kind), -1)
    places[named] = np.where(is_other[stay], -1, named[stay - 1])
    return places


def _of_scrolls(columns: Columns, around: _Around, sums: Sums) -> None:
    is_scroll, last = columns.kind == Kind.SCROLL, around.scroll
    gap_us = around.gap_us(last)
    goes_on = is_scroll & (last > around.view) & (gap_us < IDLE_US)
    is_beat = goes_on & (last > around.click) & (gap_us > 0) & (gap_us <= STILL_US)
    step = np.where(goes_on, columns.scroll_position - columns.scroll_position[last], 0.0)
    is_step = goes_on & (np.abs(step) > 0)
    sums.measure("scroll_beat", is_beat, gap_us[is_beat] / 1000)
    sums.measure("scroll_step", is_step, np.abs(step[is_step]))
    sums.count("scrolls", is_scroll & ~is_beat)
    sums.count("reversals", is_step & (step * step[last] < 0))


def _of_views(columns: Columns, around: _Around, sums: Sums) -> None:
    is_view, last = columns.kind == Kind.VIEW, around.view
    before_last = np.where(last >= 0, last[last], -1)
    is_return = (columns.screen[before_last] == columns.screen) & (columns.screen[last] != columns.screen)
    sums.count("views", is_view)
    sums.count("backs", is_view & (around.gap_us(before_last) < NEVER) & is_return)
    sums.count("revisits", is_view & (around.gap_us(_same_view(columns)) < NEVER))
    is_asked = around.gap_us(around.click) <= ASKED_US
    sums.count("unasked", is_view & (around.gap_us(last) < NEVER) & ~is_asked)


def _same_view(columns: Columns) -> Ints:
    """Return for each view where its screen was last viewed, -1 for never."""
    views = np.flatnonzero(columns.kind == Kind.VIEW)
    views = views[np.lexsort((views, columns.screen[views], columns.session[views]))]
    is_same = (np.diff(columns.session[views]) == 0) & (np.diff(columns.screen[views]) == 0)
    places = np.full(len(columns.kind), -1)
    places[views[1:]] = np.where(is_same, views[:-1], -1)
    return places


def _of_services(columns: Columns, around: _Around, sums: Sums) -> None:
    is_call, status = columns.kind == Kind.CALL, columns.status_code
    sums.measure("latency", is_call, columns.latency_ms[is_call])
    sums.count("calls", is_call)
    sums.count("failures", is_call & ((status == 0) | (status >= 500)))
    sums.count("refusals", is_call & (status >= 400) & (status < 500))
