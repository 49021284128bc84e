"""Cuts the pointer's way into strokes and measures each: how straight, how steady, how fast.

A stroke goes from rest to rest: until nothing moved for a while, a click, a view or a scroll came, the
window ended, or the pointer nearly stopped on the way. All strokes without a pause between are a run.
A stroke sets out from where the pointer was seen last, unless it was scrolled or the view left since.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pipeline.emotions.columns import WINDOW_US, Bools, Columns, Floats, Ints, Kind

STILL_US: Final = 420_000
"""Samples further apart belong to different runs; trackers sample up to some four times a second."""

SLOW: Final = 0.3
"""The pointer nearly stops where two steps are slower than this share of the fastest of their run, the one of
what is before, the other of what is after."""

LEAST_PX: Final = 30.0
"""The way of a shorter stroke says little."""

FITTS_A_MS: Final = 160.0
FITTS_B_MS: Final = 150.0
FITTS_WIDTH_PX: Final = 70.0
"""Fitts's law, a + b log2(distance / width + 1), with common values for a mouse and a middling target."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """The pointer's ways.

    Attributes:
        run_ends: Place in the columns of the last sample of each run.
        stroke_ends: Place of the last sample of each stroke that has two samples or more.
        measures: By name, one value for each stroke, NaN where it is too short to tell.
    """

    run_ends: Ints
    stroke_ends: Ints
    measures: dict[str, Floats]


@dataclass(frozen=True, slots=True)
class _Steps:
    """From sample to sample, where the run goes on; `stroke` counts strokes from 0, `first` are their first steps."""

    from_x: Floats
    from_y: Floats
    x: Floats
    y: Floats
    ms: Floats
    px: Floats
    speed: Floats
    stroke: Ints
    first: Ints

    def sums(self, values: Floats) -> Floats:
        """Return the sum over each stroke's steps."""
        return np.bincount(self.stroke, weights=values, minlength=len(self.first)).astype(np.float64)


def pointer_of(columns: Columns) -> Pointer:
    """Return the runs and strokes of the pointer."""
    samples = np.flatnonzero(columns.is_sample)
    gap_us = np.diff(columns.time_us[samples])
    goes_on = _unbroken(columns, samples, (Kind.CLICK, Kind.VIEW, Kind.SCROLL)) & (gap_us <= STILL_US)
    goes_on &= np.diff(columns.window[samples]) == 0
    rested = _unbroken(columns, samples, (Kind.VIEW, Kind.SCROLL)) & (gap_us <= WINDOW_US)
    steps, begin = _steps(columns, samples, goes_on)
    from_rest = np.concatenate([[False], rested & ~goes_on])[begin] if len(begin) else begin.astype(np.bool_)
    origin = samples[np.where(from_rest, begin - 1, begin)]
    ends = samples[np.flatnonzero(goes_on)[_last_of_each(steps.stroke)] + 1]
    run_ends = samples[np.flatnonzero(np.append(~goes_on, True))] if len(samples) else samples
    return Pointer(run_ends, ends, _measures(columns, steps, origin, ends, from_rest))


def _unbroken(columns: Columns, samples: Ints, by: Sequence[Kind]) -> Bools:
    """Return whether two neighbouring samples are of one session without an event of these kinds between."""
    breaks = np.cumsum(np.logical_or.reduce([columns.kind == kind for kind in by]))[samples]
    is_unbroken: Bools = (np.diff(breaks) == 0) & (np.diff(columns.session[samples]) == 0)
    return is_unbroken


def _steps(columns: Columns, samples: Ints, goes_on: Bools) -> tuple[_Steps, Ints]:
    """Return the steps, and the sample that each stroke begins with."""
    step = np.flatnonzero(goes_on)
    a, b = samples[step], samples[step + 1]
    x, y = columns.x[b] - columns.x[a], columns.y[b] - columns.y[a]
    ms = np.maximum((columns.time_us[b] - columns.time_us[a]) / 1000, 1.0)
    px = np.hypot(x, y)
    speed = px / ms
    run: Ints = np.cumsum(~goes_on)[step].astype(np.int64)
    is_first = np.append(True, (run[1:] != run[:-1]) | _nearly_stops(speed, run))[: len(step)]
    first = np.flatnonzero(is_first)
    steps = _Steps(columns.x[a], columns.y[a], x, y, ms, px, speed, np.cumsum(is_first) - 1, first)
    return steps, step[first]


def _nearly_stops(speed: Floats, run: Ints) -> Bools:
    """Return whether the pointer nearly stops between a step and the next, having been fast before and after."""
    # Whole numbers, so that runs can be told apart by high bits and nothing is lost in the low ones.
    whole = np.minimum(speed * 1e6, 2.0**40 - 1).astype(np.int64)
    fastest_before = np.maximum.accumulate(whole + (run << 40)) & (2**40 - 1)
    fastest_after = np.maximum.accumulate((whole + ((run[-1:] - run) << 40))[::-1])[::-1] & (2**40 - 1)
    slows = (whole[:-1] < SLOW * fastest_before[:-1]) & (whole[1:] < SLOW * fastest_after[1:])
    slows[1:] &= ~slows[:-1]
    return slows


def _last_of_each(stroke: Ints) -> Ints:
    return np.flatnonzero(np.diff(stroke, append=-1))


def _measures(columns: Columns, steps: _Steps, origin: Ints, end: Ints, from_rest: Bools) -> dict[str, Floats]:
    number = np.bincount(steps.stroke, minlength=len(steps.first)).astype(np.float64)
    x0, y0 = columns.x[origin], columns.y[origin]
    dx, dy = columns.x[end] - x0, columns.y[end] - y0
    straight = np.hypot(dx, dy)
    lead = np.hypot(steps.from_x[steps.first] - x0, steps.from_y[steps.first] - y0)
    travelled = lead + steps.sums(steps.px)
    moved_ms = steps.sums(steps.ms)
    beat = moved_ms / number
    duration = moved_ms + 0.9 * beat  # from rest to the first sample, the tracker did not look
    expected = FITTS_A_MS + FITTS_B_MS * np.log2((np.abs(dx) + np.abs(dy)) / FITTS_WIDTH_PX + 1)
    is_long = straight >= LEAST_PX
    bow, tremor = _bend(steps, x0, y0, dx, dy, straight, number - 1 + from_rest)
    with np.errstate(divide="ignore", invalid="ignore"):
        measures = {
            "path_ratio": np.maximum(travelled / straight, 1.0),
            "path_bow": bow,
            "path_tremor": tremor,
            "slowness": duration / expected,
            "pointer_speed": travelled / duration * 1000,
            **_rhythm(steps, number, beat, travelled / duration**2),
        }
    return {name: np.where(is_long, values, np.nan) for name, values in measures.items()}


def _bend(
    steps: _Steps, x0: Floats, y0: Floats, dx: Floats, dy: Floats, straight: Floats, inner: Floats
) -> tuple[Floats, Floats]:
    """Fit the arc a·2u(1-u) to each stroke's samples by least squares; return |a| and the pixels that are left."""
    of = steps.stroke
    length = np.maximum(straight, 1.0)
    ux, uy = (dx / length)[of], (dy / length)[of]
    x, y = steps.from_x - x0[of], steps.from_y - y0[of]
    along, aside = (x * ux + y * uy) / length[of], y * ux - x * uy
    arc = 2 * along * (1 - along) * length[of]
    arc_arc, arc_aside, aside_aside = (steps.sums(each) for each in (arc * arc, arc * aside, aside * aside))
    height = arc_aside / (arc_arc + 25.0)  # as if the arc had been seen 5 px flat once, for strokes of few samples
    left = np.maximum(aside_aside - 2 * height * arc_aside + height**2 * arc_arc, 0.0) / np.maximum(inner - 1, 1.0)
    return np.where(arc_arc > 400, np.abs(height), np.nan), np.where(inner >= 2, np.sqrt(left), np.nan)


def _rhythm(steps: _Steps, number: Floats, beat: Floats, pace: Floats) -> dict[str, Floats]:
    """Measure how even the speed is, of strokes with three steps or more; ``pace`` is length over time squared."""
    mean = steps.sums(steps.speed) / number
    spread = np.sqrt(np.maximum(steps.sums(steps.speed**2) / number - mean**2, 0.0))
    is_inner = steps.stroke[1:] == steps.stroke[:-1]
    change = np.where(is_inner, np.diff(steps.speed) / beat[steps.stroke[1:]], 0.0)
    turns = (steps.x[1:] * steps.x[:-1] < 0) * 1.0 + (steps.y[1:] * steps.y[:-1] < 0)
    changes, squares, flips = (
        steps.sums(np.append(np.where(is_inner, values, 0.0), 0.0)) for values in (change, change**2, turns)
    )
    pairs = number - 1
    acceleration = np.sqrt(np.maximum(squares / pairs - (changes / pairs) ** 2, 0.0))
    measures = {
        "speed_spread": spread / (mean + 1e-6),
        "acceleration_spread": acceleration / pace,
        "turns": flips / pairs,
    }
    return {name: np.where(number >= 3, values, np.nan) for name, values in measures.items()}
