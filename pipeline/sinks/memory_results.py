"""Results of the in-memory sink: what is read back for them, and how they merge, by plain search."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import floor
from typing import Any
from uuid import UUID

from pipeline.bursts import Range
from pipeline.crowded_windows import Key
from pipeline.moments import microseconds, moment
from pipeline.sinks.merges import Row
from schema.events import CLICK, PAGE_VIEW, SCREEN_VIEW
from schema.rows import (
    BurstRow,
    Click,
    EventRow,
    HeatmapRow,
    JourneyRow,
    LatencyWindowRow,
    RageClickRow,
    Rows,
    View,
)


class MemoryResults:
    """The tables of results, by what makes their rows one; ``events`` is the table they are derived from."""

    def __init__(self, events: list[EventRow]) -> None:
        self._events = events
        self.rage_click_events: dict[tuple[Any, ...], RageClickRow] = {}
        self.heatmap_points: dict[tuple[UUID, bytes], Row] = {}
        self.journey_steps: dict[tuple[UUID, int], JourneyRow] = {}
        self.latency_windows: dict[tuple[datetime, str | None, str], Row] = {}

    async def clicks(self, ranges: Sequence[Range]) -> dict[int, Click]:
        """See :meth:`pipeline.surroundings.Tables.clicks`."""
        return {
            number: _click(row)
            for number, row in enumerate(self._events)
            if row.event_type == CLICK and any(_is_within(row, one) for one in ranges)
        }

    async def views(self, since: Mapping[UUID, int]) -> list[View]:
        """See :meth:`pipeline.surroundings.Tables.views`."""
        return [
            View(row.session_id, microseconds(row.timestamp), row.event_uuid, row.screen_name)
            for row in self._events
            if row.event_type in (PAGE_VIEW, SCREEN_VIEW) and row.screen_name is not None
            if row.session_id in since and row.timestamp >= moment(since[row.session_id])
        ]

    async def crowded_windows(self, new_keys: Mapping[datetime, int], most: int) -> dict[datetime, set[Key]]:
        """See :meth:`pipeline.crowded_windows.Windows.crowded_windows`."""
        known: dict[datetime, set[Key]] = {start: set() for start in new_keys}
        for start, screen_name, endpoint in self.latency_windows:
            if start in known:
                known[start].add((screen_name, endpoint))
        return {start: keys for start, keys in known.items() if keys and len(keys) + new_keys[start] > most}

    async def steps_before(self, times: Mapping[UUID, int]) -> dict[UUID, JourneyRow]:
        """See :meth:`pipeline.surroundings.Tables.steps_before`."""
        steps = sorted(self.journey_steps.values(), key=lambda step: step.step_number)
        return {
            step.session_id: step
            for step in steps
            if step.session_id in times and step.event_time < moment(times[step.session_id])
        }

    def add(self, rows: Rows) -> None:
        """Merge what a flush says of results."""
        for burst in rows.rage_click_bursts:
            self._clear(burst)
        for rage in rows.rage_click_events:
            key = (rage.session_id, rage.screen_name, rage.first_click_time, rage.run_ordinal)
            self.rage_click_events[key] = rage
        for point in rows.heatmap_points:
            place = (point.session_id, point.point_key)
            self.heatmap_points[place] = _merged_point(self.heatmap_points.get(place), point)
        for step in rows.journey_steps:
            self.journey_steps[step.session_id, step.step_number] = step
        for window in rows.latency_windows:
            name = (window.window_start, window.screen_name, window.api_endpoint)
            self.latency_windows[name] = _merged_window(self.latency_windows.get(name), window)

    def _clear(self, burst: BurstRow) -> None:
        self.rage_click_events = {
            key: row
            for key, row in self.rage_click_events.items()
            if row.session_id != burst.session_id or not burst.first_time <= row.first_click_time <= burst.last_time
        }


def _is_within(row: EventRow, one: Range) -> bool:
    return row.session_id == one.session_id and moment(one.from_us) <= row.timestamp <= moment(one.to_us)


def _click(row: EventRow) -> Click:
    time_us = microseconds(row.timestamp)
    return Click(row.session_id, time_us, row.event_uuid, row.screen_name, row.element_id, row.x, row.y)


def _merged_point(old: Row | None, point: HeatmapRow) -> Row:
    new = point._asdict()
    if old is not None:
        sums = {name: old[name] + new[name] for name in ("weight", "sum_x", "sum_y") if new[name] is not None}
        new |= sums | {"event_time": min(old["event_time"], new["event_time"])}
    return new | {"x": _mean(new["sum_x"], new["weight"]), "y": _mean(new["sum_y"], new["weight"])}


def _mean(total: int | None, number: int) -> int | None:
    """Round half up, as pixels are rounded everywhere."""
    return None if total is None else floor(total / number + 0.5)


def _merged_window(old: Row | None, window: LatencyWindowRow) -> Row:
    new = window._asdict()
    bins = dict(zip(new.pop("bins"), new.pop("bin_calls"), strict=True))
    if old is not None:
        new |= {name: old[name] + new[name] for name in ("calls", "errors", "sum_ms", "satisfied", "tolerating")}
        new |= {"min_ms": min(old["min_ms"], new["min_ms"]), "max_ms": max(old["max_ms"], new["max_ms"])}
        bins = {number: bins.get(number, 0) + old["bins"].get(number, 0) for number in bins | old["bins"]}
    return new | {"bins": bins}
