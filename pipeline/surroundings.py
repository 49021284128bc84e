"""Decides what a flush has to know of the tables before its rows can be said: what is near its events.

Rage clicks and journeys depend on the order of events, and a new event may come between or next
to stored ones. The tables are asked for those, in the transaction that will write the rows, so
what is written is always what all of a session's events say.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self
from uuid import UUID

from pipeline.bursts import Range, ranges, unfinished
from pipeline.journeys import earliest
from schema.events import CLICK, PAGE_VIEW, SCREEN_VIEW
from schema.rows import Click, JourneyRow, KeptEvent, View


@dataclass(slots=True)
class Surroundings:
    """New clicks and views; stored clicks by ``event_id`` around, stored views behind them, and the steps before."""

    new_clicks: list[Click]
    new_views: list[View]
    clicks: dict[int, Click] = field(default_factory=dict)
    views: list[View] = field(default_factory=list)
    steps: dict[UUID, JourneyRow] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Sequence[KeptEvent]) -> Self:
        """Return what is new in ``events``, with nothing stored around it."""
        return cls(new_clicks(events), new_views(events))

    def sessions_read(self) -> set[UUID]:
        """Return the sessions that are in the tables."""
        read = {click.session_id for click in self.clicks.values()}
        read.update(view.session_id for view in self.views)
        read.update(self.steps)
        return read


class Tables(Protocol):
    """What can be asked of the tables that a flush is about to be written to."""

    async def clicks(self, ranges: Sequence[Range]) -> dict[int, Click]:
        """Return the clicks in ``ranges``, by ``event_id``."""
        ...

    async def views(self, since: Mapping[UUID, int]) -> list[View]:
        """Return the named views of each session at or after its time."""
        ...

    async def steps_before(self, times: Mapping[UUID, int]) -> dict[UUID, JourneyRow]:
        """Return each session's last step that began before its time."""
        ...


async def read_surroundings(events: Sequence[KeptEvent], tables: Tables, max_gap_us: int) -> Surroundings:
    """Return what ``tables`` hold around ``events``."""
    around = Surroundings.of(events)
    asked = ranges(around.new_clicks, max_gap_us)
    while asked:
        around.clicks |= await tables.clicks(asked)
        asked = unfinished(asked, [*around.new_clicks, *around.clicks.values()], max_gap_us)
    if times := earliest(around.new_views):
        around.views = await tables.views(times)
        around.steps = await tables.steps_before(times)
    return around


def new_clicks(events: Iterable[KeptEvent]) -> list[Click]:
    """Return what the rage-click rule needs of the clicks among ``events``."""
    return [
        Click(e.session_id, e.time_us, e.event_uuid, e.screen_name, e.element_id, e.x, e.y)
        for e in events
        if e.event_type == CLICK
    ]


def new_views(events: Iterable[KeptEvent]) -> list[View]:
    """Return what journeys need of the views among ``events``; one without a screen's name is no step."""
    return [
        View(e.session_id, e.time_us, e.event_uuid, e.screen_name)
        for e in events
        if e.event_type in (PAGE_VIEW, SCREEN_VIEW) and e.screen_name is not None
    ]
