"""A person's hand on a page: every gesture moves the person's own time on and is noted as events."""

from random import Random
from typing import Final

from pipeline.simulation.client import Client, Event
from pipeline.simulation.layout import Element, Layout
from pipeline.simulation.people import Person
from pipeline.simulation.pointer import DOUBLE_GAP_MS, glide, point_in, rage_gaps, scroll_steps, travel_ms

# After a click people look what it did. Less than a second would make three plain clicks a rage click.
_AFTER_CLICK_MS: Final = 1_050
# A stepper is pressed again and again in any mood, now and then fast enough to look like rage.
_STEPPER_GAP_MS: Final = (300, 900)


class Hand:
    """Where one person's pointer and page are, and what time it is for them.

    `x` and `y` are the pointer's place in the viewport, `scroll` the top of the viewport in the document.
    """

    __slots__ = ("_client", "_frame", "_person", "_rng", "_temper", "at_ms", "layout", "scroll", "x", "y")

    def __init__(self, person: Person, client: Client, layout: Layout, rng: Random) -> None:
        """Begin when the person arrives, the pointer somewhere in the upper half."""
        self._person, self._temper, self._client, self._rng = person, person.temper, client, rng
        width, height = person.device.viewport
        self._frame = {"viewport_width": width, "viewport_height": height}
        self.at_ms = person.arrives_ms
        self.layout = layout
        self.scroll = 0
        self.x, self.y = rng.randrange(width), rng.randrange(height // 2)

    def enter(self, layout: Layout) -> None:
        """Stand at the top of a new page."""
        self.layout, self.scroll = layout, 0

    def pause(self, mean_ms: float) -> None:
        """Let time pass, by this person's pace; the spread is that of reading times."""
        self.at_ms += int(mean_ms * self._temper.reading * self._rng.lognormvariate(-0.18, 0.6))

    def scroll_to(self, position: int) -> None:
        """Scroll to a position of the document, or to its end."""
        start, end = self.scroll, max(0, min(position, self.layout.deepest_scroll))
        if start == end:
            return
        began_ms, note = self.at_ms, self._client.note
        for after_ms, at in scroll_steps(self._rng, start, end, self._temper.speed):
            note("scroll", began_ms + after_ms, {"scroll_position": at, **self._frame})
            self.at_ms = began_ms + after_ms
        self.scroll = end

    def browse(self) -> None:
        """Scroll on by part of a viewport, or turn around."""
        rng = self._rng
        step = int(self.layout.viewport_height * (0.4 + 0.7 * rng.random()))
        at_end = self.scroll >= self.layout.deepest_scroll
        turns = at_end or rng.random() < self._temper.reversal
        self.scroll_to(self.scroll - step if turns else self.scroll + step)

    def drift(self) -> None:
        """Move the pointer to nowhere in particular, as people do while they read."""
        if not self._person.device.has_pointer:
            return
        rng, (width, height) = self._rng, self._person.device.viewport
        # Half the way to the middle, else the edges would collect the pointers.
        x = rng.gauss((self.x + width / 2) / 2, width * 0.17)
        y = rng.gauss((self.y + height / 2) / 2, height * 0.17)
        self._move(min(max(int(x), 0), width - 1), min(max(int(y), 0), height - 1), 120.0, None)

    def click(self, target: Element) -> None:
        """Go to an element and click it, sometimes twice; then see what it did."""
        x, y = self._reach(target)
        self._press(target, x, y)
        if self._rng.random() < self._temper.double:
            self.at_ms += self._rng.randint(*DOUBLE_GAP_MS)
            self._press(target, x, y)
        self.at_ms += _AFTER_CLICK_MS

    def rage(self, target: Element) -> None:
        """Click an element again and again, nearly at the same place."""
        rng = self._rng
        x, y = self._reach(target)
        self._press(target, x, y)
        for gap_ms in rage_gaps(rng):
            self.at_ms += gap_ms
            near_x, near_y = x + rng.randint(-3, 3), y + rng.randint(-3, 3)
            inside = target.holds(near_x, near_y)
            self._press(target, near_x if inside else x, near_y if inside else y)
        self.at_ms += _AFTER_CLICK_MS

    def step(self, target: Element) -> None:
        """Press a stepper two to four times in a row."""
        x, y = self._reach(target)
        for _ in range(self._rng.randint(2, 4)):
            self._press(target, x, y)
            self.at_ms += self._rng.randint(*_STEPPER_GAP_MS)
        self.at_ms += _AFTER_CLICK_MS

    def write(self, target: Element) -> None:
        """Type into a field that has been clicked: its input events say how much, never what."""
        rng, length = self._rng, 0
        about: Event = {"element_id": target.element_id, "element_type": "input"}
        for _ in range(1 + int(rng.expovariate(0.6))):
            self.at_ms += int((350 + 900 * rng.random()) / self._temper.speed)
            length += rng.randint(1, 7)
            self._client.note("input", self.at_ms, {**about, "metadata": {"length": length, "masked": True}})

    def _reach(self, target: Element) -> tuple[int, int]:
        """Bring an element into view, go there, and return the point in the document."""
        if target.top < self.scroll or target.bottom > self.scroll + self.layout.viewport_height:
            self.scroll_to((target.top + target.bottom - self.layout.viewport_height) // 2)
        if self._rng.random() < self._temper.wander:
            self.drift()
        x = point_in(self._rng, target.left, target.right)
        bottom = self.scroll + self.layout.viewport_height - 1
        y = point_in(self._rng, max(target.top, self.scroll), min(target.bottom, bottom))
        if self._person.device.has_pointer:
            self._move(x, y - self.scroll, float(target.bottom - target.top), target)
        self.at_ms += 60 + int(self._rng.expovariate(1 / 90))
        return x, y

    def _press(self, target: Element, x: int, y: int) -> None:
        about: Event = {"element_id": target.element_id, "element_type": target.kind, "x": x, "y": y}
        self._client.note("click", self.at_ms, {**about, **self._frame})

    def _move(self, to_x: int, to_y: int, size: float, target: Element | None) -> None:
        """Note the samples of a movement in the viewport; both ends lie in it, a bent path may not."""
        temper, note, began_ms, scroll = self._temper, self._client.note, self.at_ms, self.scroll
        distance = abs(to_x - self.x) + abs(to_y - self.y)
        path = glide(
            self._rng,
            (self.x, self.y),
            (to_x, to_y),
            duration_ms=travel_ms(distance, size, temper.speed),
            every_ms=self._person.sampling_ms,
            bow=temper.bow,
            jitter=temper.jitter,
        )
        width, height = self._person.device.viewport
        for after_ms, at_x, at_y in path:
            x, y = min(max(at_x, 0), width - 1), min(max(at_y, 0), height - 1) + scroll
            fields: Event = {"x": x, "y": y, **self._frame}
            if target is not None and target.holds(x, y):
                fields["element_id"], fields["element_type"] = target.element_id, target.kind
            self.at_ms = began_ms + after_ms
            note("mouse_move", self.at_ms, fields)
        self.x, self.y = to_x, to_y
