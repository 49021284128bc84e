"""Decides which events are beyond what one session may send, and one device may begin.

A session's tally is in its row, so that the answer is the same after a crash. What devices began lately is in memory,
by event time and partition: it keeps a flood out, and is no account of anything.
"""

from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from pipeline.limits import Limits
from schema.events import CLICK, PAGE_VIEW, SCREEN_VIEW
from schema.fields import US_PER_S
from schema.rows import KeptEvent

ACTIONS = frozenset({CLICK, PAGE_VIEW, SCREEN_VIEW})
"""Types of events whose results depend on those around them, which are read again."""

MOST_SECONDS = 10_000
"""Of devices, that are remembered."""


@dataclass(slots=True)
class Tally:
    """What of a session was admitted; ``refused``: why all of it is refused."""

    events: int = 0
    actions: int = 0
    refused: str | None = None

    def add(self, event: KeptEvent) -> None:
        """Count ``event`` in."""
        self.events += 1
        self.actions += event.event_type in ACTIONS


class SessionLimits:
    """The limits as they apply to the sessions of one partition."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._begun: OrderedDict[tuple[str, int], set[UUID]] = OrderedDict()

    def refusal(self, tally: Tally, event: KeptEvent) -> str | None:
        """Return why ``event`` is beyond the limits, if it is."""
        limits = self._limits
        if not tally.events and tally.refused is None:
            tally.refused = self._beginning(event)
        if tally.refused is not None:
            return tally.refused
        if tally.events >= limits.session_events:
            return f"session_id: has sent {limits.session_events} events, as many as a session may"
        if tally.actions >= limits.session_actions and event.event_type in ACTIONS:
            return f"session_id: has sent {limits.session_actions} clicks and views, as many as a session may"
        return None

    def _beginning(self, event: KeptEvent) -> str | None:
        """Return why the session that ``event`` begins must not begin; remember it where it may."""
        device_id = event.facts and event.facts.device_id
        if not device_id:
            return None
        key = (device_id, event.time_us // US_PER_S)
        begun = self._begun.setdefault(key, set())
        if len(self._begun) > MOST_SECONDS:
            self._begun.popitem(last=False)
        most = self._limits.device_sessions_per_s
        if len(begun) >= most and event.session_id not in begun:
            return f"device_id: has begun {most} sessions within a second, as many as a device may"
        begun.add(event.session_id)
        return None
