"""Reads what PostgreSQL holds near a flush's events, within the flush's own transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from pipeline.bursts import Range
from pipeline.crowded_windows import Key
from pipeline.moments import microseconds, moment
from pipeline.sinks.connection import fetch
from schema.rows import Click, JourneyRow, View


class NearbyInPostgres:
    """See :class:`pipeline.surroundings.Tables`."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection

    async def clicks(self, ranges: Sequence[Range]) -> dict[int, Click]:
        """See :meth:`pipeline.surroundings.Tables.clicks`."""
        rows = await fetch(
            self._connection,
            "clicks_between",
            session_ids=[one.session_id for one in ranges],
            from_times=[moment(one.from_us) for one in ranges],
            to_times=[moment(one.to_us) for one in ranges],
        )
        return {
            event_id: Click(session_id, microseconds(time), *others) for event_id, session_id, time, *others in rows
        }

    async def views(self, since: Mapping[UUID, int]) -> list[View]:
        """See :meth:`pipeline.surroundings.Tables.views`."""
        rows = await fetch(self._connection, "views_since", **_columns(since))
        return [View(session_id, microseconds(time), *others) for session_id, time, *others in rows]

    async def steps_before(self, times: Mapping[UUID, int]) -> dict[UUID, JourneyRow]:
        """See :meth:`pipeline.surroundings.Tables.steps_before`."""
        steps = [JourneyRow(*row) for row in await fetch(self._connection, "steps_before", **_columns(times))]
        return {step.session_id: step for step in steps}

    async def crowded_windows(self, new_keys: Mapping[datetime, int], most: int) -> dict[datetime, set[Key]]:
        """See :meth:`pipeline.crowded_windows.Windows.crowded_windows`."""
        parameters = {"window_starts": list(new_keys), "new_keys": list(new_keys.values()), "most": most}
        known: dict[datetime, set[Key]] = {}
        for start, screen_name, endpoint in await fetch(self._connection, "crowded_windows", **parameters):
            known.setdefault(start, set()).add((screen_name, endpoint))
        return known


def _columns(times: Mapping[UUID, int]) -> dict[str, Any]:
    return {"session_ids": list(times), "times": [moment(time_us) for time_us in times.values()]}
