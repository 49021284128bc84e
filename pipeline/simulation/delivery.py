"""How records travel: packed into batches, late, out of order, or twice."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from pipeline.simulation.client import Event
from pipeline.simulation.people import Person
from pipeline.simulation.policy import Traffic
from pipeline.simulation.replay import chunk_of
from pipeline.simulation.visit import Stay

# A client sends what it has after this long, and whenever a page is left.
_LONGEST_WAIT_MS: Final = 30_000
_OUT_OF_ORDER_MS: Final = (300, 10_000)
# Half of the late ones come within seven minutes, the last after fifty.
_LATE_MS: Final = 60_000
_LATE_FACTOR: Final = 50
_AGAIN_MS: Final = (1_000, 300_000)
# Nothing, a late record's duplicate included, comes more than 55 minutes late: an hour is allowed.
_LATEST_MS: Final = 3_300_000
_SHARED: Final = ("session_id", "page_url", "screen_name")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One record on its way to a topic.

    Attributes:
        message: The JSON object: an event, a batch or a replay chunk. Nobody else holds it.
        sent_at_ms: When the broker gets it, in epoch milliseconds; meant as the record's timestamp.
        is_replay: Whether it belongs on the replay topic.
        session_id: The record's key.
    """

    message: dict[str, Any]
    sent_at_ms: int
    is_replay: bool
    session_id: str

    @property
    def events(self) -> int:
        """How many event objects it carries."""
        return 0 if self.is_replay else len(self.message.get("events", (None,)))

    def first(self, count: int) -> "Delivery":
        """Return the batch with only its first events."""
        kept = {**self.message, "events": self.message["events"][:count]}
        return Delivery(kept, self.sent_at_ms, self.is_replay, self.session_id)


class Network:
    """The way between clients and broker, with the faults of its policy.

    It has a generator of its own, so that people do the same over a good network and a bad one.
    """

    __slots__ = ("_rng", "_traffic")

    def __init__(self, traffic: Traffic, rng: Random) -> None:
        """Take the policy, and the generator that all chance of the way comes from."""
        self._traffic, self._rng = traffic, rng

    def carry(self, person: Person, stay: Stay) -> Iterator[Delivery]:
        """Yield the deliveries of one page's events, in no particular order."""
        for message, written_ms in _packed(stay.events, self._traffic.batch_size):
            comes_ms = written_ms + person.transit_ms + self._delay_ms()
            yield _delivery(person, message, comes_ms)
            if self._rng.random() < self._traffic.duplicate_rate:
                again_ms = min(comes_ms + self._again_ms(), written_ms + _LATEST_MS)
                yield _delivery(person, deepcopy(message), again_ms)

    def carry_replay(self, person: Person, stay: Stay, index: int) -> Iterator[Delivery]:
        """Yield one page's recording, perhaps twice; the first time in the order of the pages."""
        comes_ms = stay.until_ms + person.transit_ms
        chunk = chunk_of(stay, session_id=person.session_id, index=index)
        yield Delivery(chunk, comes_ms, True, person.session_id)
        if self._rng.random() < self._traffic.duplicate_rate:
            again = chunk_of(stay, session_id=person.session_id, index=index)
            yield Delivery(again, comes_ms + self._again_ms(), True, person.session_id)

    def _delay_ms(self) -> int:
        draw = self._rng.random() - self._traffic.late_rate
        if draw < 0:
            return int(_LATE_MS * _LATE_FACTOR ** self._rng.random())
        return self._rng.randint(*_OUT_OF_ORDER_MS) if draw < self._traffic.out_of_order_rate else 0

    def _again_ms(self) -> int:
        low, high = _AGAIN_MS
        return min(low + int(self._rng.expovariate(1 / 45_000)), high)


def _delivery(person: Person, message: dict[str, Any], comes_ms: int) -> Delivery:
    if person.states_sent_at:
        # What is sent again is stamped again, else clock correction would move its events.
        message["sent_at"] = comes_ms - person.transit_ms
    return Delivery(message, comes_ms, False, person.session_id)


def _packed(events: list[Event], size: int) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield a page's events as event or batch objects, each with the time when it was complete."""
    if size == 1:
        yield from ((event, event["timestamp"]) for event in events)
        return
    group: list[Event] = []
    for event in events:
        if group and (len(group) >= size or event["timestamp"] - group[0]["timestamp"] > _LONGEST_WAIT_MS):
            yield _batch(group), group[-1]["timestamp"]
            group = []
        group.append(event)
    if group:
        yield _batch(group), group[-1]["timestamp"]


def _batch(group: list[Event]) -> dict[str, Any]:
    """State once what all events of a page share."""
    shared: dict[str, Any] = {name: group[0][name] for name in _SHARED if name in group[0]}
    return {"events": [{k: v for k, v in event.items() if k not in shared} for event in group], **shared}
