"""What a window is judged by: features of it and of the windows before it, as far as they are remembered."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from pipeline.emotions.behaviour import sums_of
from pipeline.emotions.columns import WINDOW_US, Columns, Floats
from pipeline.emotions.measures import MEASURES, RATIOS
from pipeline.emotions.sums import NAMES

WINDOWS: Final = 10
"""Windows that are remembered, the judged one among them: five minutes. Of simulated people, one window
alone tells much less, twice as many hardly more."""

PRIOR: Final = 3.0
"""So many measurements of an average person are added to a measure's."""

_PLACES: Final = {name: place for place, name in enumerate((*NAMES, "seconds", "empty"))}
_NUMBERS: Final = [_PLACES[f"{name}:number"] for name in MEASURES]
_SUMS: Final = [_PLACES[f"{name}:sum"] for name in MEASURES]
_HAPPENED: Final = [_PLACES[ratio.happened] for ratio in RATIOS.values()]
_OF: Final = [_PLACES[ratio.of] for ratio in RATIOS.values()]
_PRIORS: Final = np.array([ratio.prior for ratio in RATIOS.values()])


@dataclass(frozen=True, slots=True)
class Remembered:
    """Sums over the windows remembered, a row for each window: numbers, sums, counts, seconds, empty windows."""

    rows: Floats

    def average(self) -> Floats:
        """Return the means and ratios of an average person, in the order of :data:`FEATURES`."""
        total = self.rows.sum(axis=0)
        means = total[_SUMS] / np.maximum(total[_NUMBERS], 1.0)
        ratios = (total[_HAPPENED] + 1.0) / (total[_OF] + 1.0)
        return np.concatenate([means, ratios])

    def features(self, average: Floats) -> Floats:
        """Return how far each row is from the average person, drawn to it where there is little evidence."""
        means, ratios = average[: len(MEASURES)], average[len(MEASURES) :]
        numbers, sums = self.rows[:, _NUMBERS], self.rows[:, _SUMS]
        happened, of = self.rows[:, _HAPPENED], self.rows[:, _OF]
        expected = (of + _PRIORS) * ratios
        return np.concatenate(
            [(sums - numbers * means) / (numbers + PRIOR), np.log((happened + _PRIORS * ratios) / expected)], axis=1
        )

    def values(self) -> Floats:
        """Return each row's features in their units, NaN where there was nothing to measure."""
        numbers, of = self.rows[:, _NUMBERS], self.rows[:, _OF]
        known = np.concatenate([numbers, of], axis=1) > 0
        means = self.rows[:, _SUMS] / np.maximum(numbers, 1.0)
        ratios = self.rows[:, _HAPPENED] / np.maximum(of, 1.0)
        return np.where(known, in_units(np.concatenate([means, ratios], axis=1)), np.nan)


def in_units(averages: Floats) -> Floats:
    """Return means and ratios, the last axis in the order of :data:`FEATURES`, in the units of what was measured."""
    means = [measure.value(averages[..., place]) for place, measure in enumerate(MEASURES.values())]
    return np.concatenate([np.stack(means, axis=-1), averages[..., len(MEASURES) :]], axis=-1)


def remembered(columns: Columns) -> Remembered:
    """Return the sums of every window of ``columns`` with those before it that are remembered."""
    sums, session, start_us = sums_of(columns), columns.window_session, columns.window_us
    acts = columns.acts
    edges = np.flatnonzero(np.diff(columns.window[acts], prepend=-1, append=columns.windows))
    begin_us, last_us = columns.time_us[acts[edges[:-1]]], columns.time_us[acts[edges[1:] - 1]]
    rows, since_us, filled = sums.copy(), begin_us, np.ones(len(sums))
    for back in range(1, min(WINDOWS, len(sums))):
        is_near = (session[back:] == session[:-back]) & (start_us[back:] - start_us[:-back] < WINDOWS * WINDOW_US)
        rows[back:] += np.where(is_near[:, None], sums[:-back], 0.0)
        since_us = np.append(since_us[:back], np.where(is_near, begin_us[:-back], since_us[back:]))
        filled[back:] += is_near
    seconds = (last_us - since_us) / 1e6 + 1.0
    empty = (start_us - (since_us - since_us % WINDOW_US)) / WINDOW_US + 1.0 - filled
    return Remembered(np.column_stack([rows, seconds, empty]))
