"""The whole of the traffic in order of delivery: many people at once, one stream."""

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count, takewhile
from random import Random
from typing import TypeAlias

from pipeline.simulation.delivery import Delivery, Network
from pipeline.simulation.moods import Mood
from pipeline.simulation.people import Person, arrivals
from pipeline.simulation.policy import Traffic
from pipeline.simulation.visit import Stay, walk


class _Walker:
    """A person under way; `pages` counts those already walked."""

    __slots__ = ("pages", "person", "way")

    def __init__(self, person: Person, seed: int) -> None:
        self.person, self.way, self.pages = person, walk(person, seed=seed), 0


# When, a number that keeps equal times in order, and what happens then.
_Entry: TypeAlias = tuple[int, int, Delivery | _Walker]


def simulate(traffic: Traffic, *, events: int, seed: int, start_ms: int) -> Iterator[Delivery]:
    """Yield deliveries in order of `sent_at_ms` until exactly this many event objects have come.

    Duplicates count as events, replay chunks do not. The same arguments give the same deliveries,
    and more events give the same ones first. Memory holds one page of each active person and the
    records that are held back. The last sessions are cut off in the middle.

    Raises:
        ValueError: A negative number of events.
    """
    if events < 0:
        raise ValueError(f"events must not be negative, not {events}")
    return _first(events, _Agenda(traffic, seed).run(start_ms))


def _first(events: int, stream: Iterator[Delivery]) -> Iterator[Delivery]:
    left = events
    while left > 0:
        delivery = next(stream)
        count = delivery.events
        yield delivery if count <= left else delivery.first(left)
        left -= count


def moods(traffic: Traffic, *, seed: int, start_ms: int, until_ms: int) -> dict[str, Mood]:
    """Return the truth that the messages hide: session id to mood, of all who arrive before `until_ms`."""
    people = takewhile(lambda person: person.arrives_ms < until_ms, arrivals(traffic, seed=seed, start_ms=start_ms))
    return {person.session_id: person.mood for person in people}


class _Agenda:
    """What is to come, by time: deliveries, and people whose next page has to be walked.

    A walked page delivers nothing before it began, so whatever is first may go.
    """

    __slots__ = ("_entries", "_network", "_numbers", "_seed", "_traffic")

    def __init__(self, traffic: Traffic, seed: int) -> None:
        self._traffic, self._seed = traffic, seed
        self._network = Network(traffic, Random(f"network {seed}"))
        self._numbers = count()
        self._entries: list[_Entry] = []

    def run(self, start_ms: int) -> Iterator[Delivery]:
        """Yield deliveries without end."""
        for person in arrivals(self._traffic, seed=self._seed, start_ms=start_ms):
            yield from self._until(person.arrives_ms)
            self._add(person.arrives_ms, _Walker(person, self._seed))

    def _add(self, at_ms: int, what: Delivery | _Walker) -> None:
        heappush(self._entries, (at_ms, next(self._numbers), what))

    def _until(self, limit_ms: int) -> Iterator[Delivery]:
        entries = self._entries
        while entries and entries[0][0] < limit_ms:
            _, _, what = heappop(entries)
            if isinstance(what, Delivery):
                yield what
            else:
                self._walk_on(what)

    def _walk_on(self, walker: _Walker) -> None:
        stay: Stay | None = next(walker.way, None)
        if stay is None:
            return
        for delivery in self._network.carry(walker.person, stay):
            self._add(delivery.sent_at_ms, delivery)
        if self._traffic.replay:
            for delivery in self._network.carry_replay(walker.person, stay, walker.pages):
                self._add(delivery.sent_at_ms, delivery)
        walker.pages += 1
        self._add(stay.until_ms, walker)
