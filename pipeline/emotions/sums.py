"""What windows of sessions say of how their people act, as numbers that add up over windows.

A measure is kept as how often it could be taken and the sum of what it was, a count as a number.
What a window says follows from its own events, those of the ``LOOKBACK_US`` before it begins, and,
for what came of a click, those of the ``AHEAD_US`` after that: from nothing else.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from pipeline.emotions.columns import Bools, Columns, Floats, Ints, Kind
from pipeline.emotions.measures import COUNTS, MEASURES

LOOKBACK_US: Final = 120_000_000
AHEAD_US: Final = 3_000_000
NEVER: Final = 2**62

NAMES: Final = (*(f"{name}:{part}" for name in MEASURES for part in ("number", "sum")), *COUNTS)


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
        self._by_name[f"{name}:number"] = self._counted(windows)
        self._by_name[f"{name}:sum"] = self._counted(windows, MEASURES[name].scaled(values[is_known]))

    def rows(self) -> Floats:
        """Return a row per window, its columns in the order of :data:`NAMES`."""
        return np.stack([self._by_name[name] for name in NAMES], axis=1)

    def _counted(self, windows: Ints, weights: Floats | None = None) -> Floats:
        # What is in no window is counted before the first, and left out.
        return np.bincount(windows + 1, weights, self._columns.windows + 1)[1:].astype(np.float64)


@dataclass(frozen=True, slots=True)
class Around:
    """What was before each event: places in the columns of the last event of a kind in its session, -1 for none."""

    columns: Columns
    click: Ints
    sample: Ints
    scroll: Ints
    view: Ints

    @classmethod
    def of(cls, columns: Columns) -> "Around":
        """Look around in ``columns``."""
        clicks, scrolls, views = (columns.kind == kind for kind in (Kind.CLICK, Kind.SCROLL, Kind.VIEW))
        return cls(columns, *map(columns.latest, (clicks, columns.is_sample, scrolls, views)))

    def gap_us(self, places: Ints, before: Ints) -> Ints:
        """Return how long before the events at ``places`` each ``before`` is, ``NEVER`` if not in the lookback."""
        columns = self.columns
        horizon_us = columns.window_us[columns.window[places]] - LOOKBACK_US
        time_us, before_us = columns.time_us[places], columns.time_us[before]
        return np.where((before >= 0) & (before_us >= horizon_us), time_us - before_us, NEVER)
