"""Decides which events are beyond what one session may send, and one device may begin.

A session's tally is in its row, so that the answer is the same after a crash. What devices began lately is in memory,
by arrival time, which no sender chooses, and by partition: it keeps a flood out, and is no account of anything. After a
restart a second is counted anew, and a session that was refused is judged anew.
"""

from collections import OrderedDict
from dataclasses import dataclass

from pipeline.limits import Limits
from schema.events import CLICK, PAGE_VIEW, SCREEN_VIEW
from schema.fields import US_PER_S
from schema.rows import KeptEvent

ACTIONS = frozenset({CLICK, PAGE_VIEW, SCREEN_VIEW})
"""Types of events whose results depend on those around them, which are read again."""

MOST_SECONDS = 10_000
"""Of devices, that are remembered, the latest: 3 MB a partition, whatever devices are called."""


@dataclass(slots=True)
class Tally:
    """What of a session was admitted; ``has_device``: it was judged by its device; ``refused``: why all of it is."""

    events: int = 0
    actions: int = 0
    has_device: bool = False
    refused: str | None = None

    def add(self, event: KeptEvent) -> None:
        """Count ``event`` in."""
        self.events += 1
        self.actions += event.event_type in ACTIONS


class SessionLimits:
    """The limits as they apply to the sessions of one partition."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._begun: OrderedDict[int, int] = OrderedDict()

    def refusal(self, tally: Tally, event: KeptEvent) -> str | None:
        """Return why ``event`` is beyond the limits, if it is."""
        limits = self._limits
        if not tally.has_device and event.facts is not None and event.facts.device_id:
            tally.has_device = True
            tally.refused = self._beginning(event.facts.device_id, event.arrival_us)
        if tally.refused is not None:
            return tally.refused
        if tally.events >= limits.session_events:
            return f"session_id: has sent {limits.session_events} events, as many as a session may"
        if tally.actions >= limits.session_actions and event.event_type in ACTIONS:
            return f"session_id: has sent {limits.session_actions} clicks and views, as many as a session may"
        return None

    def _beginning(self, device_id: str, arrival_us: int) -> str | None:
        """Return why the device may not begin one more session in the second of this arrival; count it where it may."""
        key = hash((device_id, arrival_us // US_PER_S))
        begun, most = self._begun.get(key, 0), self._limits.device_sessions_per_s
        if begun >= most:
            return f"device_id: has begun {most} sessions within a second, as many as a device may"
        self._begun[key] = begun + 1
        if len(self._begun) > MOST_SECONDS:
            self._begun.popitem(last=False)
        return None
