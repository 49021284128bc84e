"""Decides a session's journey: a step per change of screen, in event-time order however views arrive.

A view that comes between earlier ones changes the steps from there on, so a flush reads back the
views from its earliest new one, and the step before. A new view never makes steps fewer.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from pipeline.moments import moment
from schema.rows import JourneyRow, View


def journey_rows(new: Iterable[View], stored: Iterable[View], before: Mapping[UUID, JourneyRow]) -> list[JourneyRow]:
    """Return the steps from the earliest new view of each session on.

    ``stored`` are the sessions' views at or after it, ``before`` the last steps that began earlier.
    """
    rows: list[JourneyRow] = []
    last = dict(before)
    for view in sorted([*new, *stored], key=_order):
        step = last.get(view.session_id)
        if step is None or step.screen_name != view.screen_name:
            number = 1 if step is None else step.step_number + 1
            step = JourneyRow(view.session_id, number, view.screen_name, moment(view.time_us))
            last[view.session_id] = step
            rows.append(step)
    return rows


def earliest(views: Iterable[View]) -> dict[UUID, int]:
    """Return the earliest time of each session's views, in microseconds."""
    times: dict[UUID, int] = {}
    for view in views:
        times[view.session_id] = min(view.time_us, times.get(view.session_id, view.time_us))
    return times


def _order(view: View) -> tuple[int, int, str]:
    """Event time, then what else tells views apart: never the order of arrival."""
    return view.time_us, -1 if view.event_uuid is None else view.event_uuid.int, view.screen_name
