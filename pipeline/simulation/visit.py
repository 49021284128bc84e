"""One person's way through the shop: which pages, what is done there, what the servers answer."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from pipeline.simulation.client import Client, Event
from pipeline.simulation.errands import PATIENCE_MS, Errands
from pipeline.simulation.hand import Hand
from pipeline.simulation.layout import Layout, Place, layout_of, place_of
from pipeline.simulation.people import Person

_ENTRIES: Final = ("home", "home", "home", "listing", "product", "product", "search", "account")
_REFERRERS: Final = ("", "https://www.example.org/search", "https://mail.example.net/")
_MOST_PAGES: Final = 25
_ERROR_ON_PAGE: Final = 0.10
# The page that people leave the site from is more often than others the one that did not work.
_GIVING_UP: Final = 2.0
# Under the usual session timeout of 30 minutes.
_LONGEST_IDLE_MS: Final = 900_000


@dataclass(frozen=True, slots=True)
class Stay:
    """One page of a session: its events in order, none of the later ones before `until_ms`."""

    layout: Layout
    place: Place
    began_ms: int
    until_ms: int
    events: list[Event]


def walk(person: Person, *, seed: int) -> Iterator[Stay]:
    """Yield the session page by page; `seed` is that of the shop's servers."""
    visit = _Visit(person, seed)
    left = min(1 + int(visit.rng.expovariate(1 / person.temper.pages)), _MOST_PAGES)
    while left > 0:
        left -= 1
        yield visit.stay(is_last=left == 0)


class _Visit:
    __slots__ = ("_client", "_errands", "_hand", "_history", "_person", "_place", "rng")

    def __init__(self, person: Person, seed: int) -> None:
        self.rng = Random(person.seed)
        self._person = person
        self._place = place_of("home" if person.device.is_app else self.rng.choice(_ENTRIES), person.device, self.rng)
        self._client = Client(person, self.rng)
        self._hand = Hand(person, self._client, layout_of(self._place.name, person.device), self.rng)
        self._history: list[Place] = []
        self._errands = Errands(person, self._client, self._hand, self.rng, seed=seed)
        self._client.enter(self._place.fields)
        self._client.note("session_start", person.arrives_ms, {"metadata": {"referrer": self.rng.choice(_REFERRERS)}})

    def stay(self, *, is_last: bool) -> Stay:
        """Live through the current page, up to the click that leaves it."""
        place, hand, began_ms = self._place, self._hand, self._hand.at_ms
        self._open(place)
        for _ in range(int(self.rng.expovariate(1 / self._person.temper.deeds))):
            self._do_something()
        if self.rng.random() < self._person.temper.futile * (_GIVING_UP if is_last else 1.0):
            self._errands.try_in_vain(self.rng.choice(hand.layout.dead))
        if self.rng.random() < self._person.temper.idle:
            self._idle()
        if is_last:
            self._leave()
        else:
            self._go_on()
        return Stay(hand.layout, place, began_ms, hand.at_ms, self._client.take())

    def _open(self, place: Place) -> None:
        hand, layout = self._hand, layout_of(place.name, self._person.device)
        hand.enter(layout)
        self._client.enter(place.fields)
        view = "screen_view" if self._person.device.is_app else "page_view"
        self._client.note(view, hand.at_ms, {"metadata": {"title": layout.page.name}})
        if self._person.is_signed_in:
            self._errands.identify()
        waits = [self._errands.call(path).latency_ms for path in layout.page.loads]
        if self.rng.random() < _ERROR_ON_PAGE:
            self._client.note_error(hand.at_ms + self.rng.randint(50, 900))
        hand.at_ms += min(max(waits), PATIENCE_MS)
        hand.pause(6_000)
        hand.drift()

    def _do_something(self) -> None:
        """Read on, or use something on the page that does not leave it."""
        hand, layout, draw = self._hand, self._hand.layout, self.rng.random()
        hand.pause(4_500)
        if draw < 0.36:
            hand.browse()
        elif draw < 0.61 and layout.buttons:
            self._errands.use(self.rng.choice(layout.buttons))
        elif draw < 0.64 and layout.steppers:
            hand.step(self.rng.choice(layout.steppers))
        elif draw < 0.85 and layout.submits:
            self._errands.fill_in()
        else:
            hand.drift()

    def _idle(self) -> None:
        hand = self._hand
        self._client.note("visibility_hidden", hand.at_ms, {})
        hand.at_ms += min(20_000 + int(self.rng.expovariate(1 / 90_000)), _LONGEST_IDLE_MS)
        self._client.note("visibility_visible", hand.at_ms, {})

    def _go_on(self) -> None:
        """Leave for another page: back, by the menu, or by a link that leads somewhere."""
        hand, rng, temper = self._hand, self.rng, self._person.temper
        if self._history and rng.random() < temper.back:
            self._place = self._history.pop()
            return
        layout = hand.layout
        is_lost = rng.random() < temper.lost
        link = rng.choice(layout.menu) if is_lost else rng.choices(layout.links, layout.weights)[0]
        hand.click(link)
        if link.kind == "input":
            hand.write(link)
        self._history.append(self._place)
        self._place = place_of(link.leads, self._person.device, rng)

    def _leave(self) -> None:
        self._hand.pause(1_200)
        if self._person.ends:
            self._client.note("session_end", max(self._hand.at_ms, self._client.latest_ms), {})
