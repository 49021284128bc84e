"""Counts clicks: those that repeat others, those that led to nothing, those on what other screens have too."""

from typing import Final

import numpy as np

from pipeline.emotions.columns import NAMELESS, Columns, Ints, Kind
from pipeline.emotions.sums import NEVER, Around, Sums

EFFECT_US: Final = 2_500_000
"""A click without an effect in this time is dead, as PostHog's autocapture has it."""

QUICK_MS: Final = 500.0
"""A call that is answered in time is an effect of a click; a slow or failed one leaves it as dead as it was."""

AGAIN_US: Final = 1_000_000
AGAIN_PX: Final = 30.0
"""A click so soon and near, or on the same element, repeats the one before: HXI's own rage-click rule."""

ERROR_US: Final = 2_000_000


def of_clicks(columns: Columns, around: Around, sums: Sums) -> None:
    """Add what clicks say."""
    clicks = np.flatnonzero(columns.kind == Kind.CLICK)
    last = around.click[clicks]
    px = np.hypot(columns.x[clicks] - columns.x[last], columns.y[clicks] - columns.y[last])
    is_same = (columns.element[clicks] == columns.element[last]) & (columns.element[clicks] != NAMELESS)
    is_again = np.zeros(len(columns.kind), dtype=np.bool_)
    is_again[clicks] = (around.gap_us(clicks, last) <= AGAIN_US) & ((px <= AGAIN_PX) | is_same)
    is_third = np.zeros_like(is_again)
    is_third[clicks] = is_again[clicks] & is_again[last]
    tries, thirds = clicks[~is_again[clicks]], clicks[is_third[clicks]]
    sums.count("clicks", clicks)
    sums.count("tries", tries)
    sums.count("repeats", is_again)
    sums.count("doubles", is_again & ~is_third)
    sums.count("bursts", thirds[~is_third[around.click[thirds]]])
    sums.count("dead", _without_effect(columns, tries))
    sums.count("familiar", tries[around.gap_us(tries, _same_elsewhere(columns)[tries]) < NEVER])


def of_errors(columns: Columns, around: Around, sums: Sums) -> None:
    """Add what errors say."""
    errors = np.flatnonzero(columns.kind == Kind.ERROR)
    sums.count("errors", errors)
    sums.count("errors_after_click", errors[around.gap_us(errors, around.click[errors]) <= ERROR_US])


def _without_effect(columns: Columns, clicks: Ints) -> Ints:
    """Return those of ``clicks`` after which no view, input or call that was answered began in time."""
    is_call = (columns.kind == Kind.CALL) & (columns.latency_ms <= QUICK_MS)
    is_call &= (columns.status_code > 0) & (columns.status_code < 500)
    effects = np.flatnonzero((columns.kind == Kind.VIEW) | (columns.kind == Kind.INPUT) | is_call)
    latency_us = np.where(is_call[effects], np.maximum(columns.latency_ms[effects], 0.0), 0.0) * 1000
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
