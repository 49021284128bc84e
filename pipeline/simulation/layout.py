"""Where the parts of a page lie on one device, in pixels of the document."""

from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Final

from pipeline.simulation.devices import Device
from pipeline.simulation.parts import MENU_IDS, Page
from pipeline.simulation.site import PAGES

ORIGIN: Final = "https://shop.example.com"
_QUERY_RATE: Final = 0.35
_PRODUCTS: Final = 240
# A phone shows less in a row: its document is longer by this factor.
_NARROW_STRETCH: Final = 1.7
_DEAD_KINDS: Final = frozenset({"img", "div", "text"})


@dataclass(frozen=True, slots=True)
class Element:
    """A part of a page with its box: left, top, right and bottom, all inside it."""

    element_id: str
    kind: str
    left: int
    top: int
    right: int
    bottom: int
    leads: str
    calls: str
    weight: float

    def holds(self, x: int, y: int) -> bool:
        """Tell whether a point of the document lies in the box."""
        return self.left <= x <= self.right and self.top <= y <= self.bottom


@dataclass(frozen=True, slots=True)
class Layout:
    """A page as one viewport shows it; the tuples share their elements, `weights` fit `links`."""

    page: Page
    width: int
    height: int
    viewport_height: int
    elements: tuple[Element, ...]
    links: tuple[Element, ...]
    weights: tuple[float, ...]
    menu: tuple[Element, ...]
    buttons: tuple[Element, ...]
    steppers: tuple[Element, ...]
    inputs: tuple[Element, ...]
    submits: tuple[Element, ...]
    dead: tuple[Element, ...]

    @property
    def deepest_scroll(self) -> int:
        """The scroll position at the end of the document."""
        return max(self.height - self.viewport_height, 0)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person is: a page's name, and the fields by which events state it."""

    name: str
    fields: dict[str, str]


@cache
def layout_of(name: str, device: Device) -> Layout:
    """Lay out a page for a device; there are as many results as pages times devices."""
    page, (width, height) = PAGES[name], device.viewport
    stretch = _NARROW_STRETCH if width < 600 else 1.0
    elements = tuple(
        Element(
            part.element_id,
            part.kind,
            left=int(part.box[0] * width / 12),
            top=int(part.box[1] * stretch),
            right=int((part.box[0] + part.box[2]) * width / 12) - 1,
            bottom=int((part.box[1] + part.box[3]) * stretch) - 1,
            leads=part.leads,
            calls=part.calls,
            weight=part.weight,
        )
        for part in page.parts
    )
    links = tuple(each for each in elements if each.leads)
    return Layout(
        page=page,
        width=width,
        height=max(int(page.height * stretch), height),
        viewport_height=height,
        elements=elements,
        links=links,
        weights=tuple(each.weight for each in links),
        menu=tuple(each for each in links if each.element_id in MENU_IDS),
        buttons=tuple(each for each in elements if each.kind == "button"),
        steppers=tuple(each for each in elements if each.kind == "stepper"),
        inputs=tuple(each for each in elements if each.kind == "input" and not each.leads),
        submits=tuple(each for each in elements if each.kind == "submit"),
        dead=tuple(each for each in elements if each.kind in _DEAD_KINDS),
    )


def place_of(name: str, device: Device, rng: Random) -> Place:
    """Draw the address of a visit to a page: a product's number, a path, sometimes a query."""
    page = PAGES[name]
    if device.is_app:
        return Place(name, {"screen_name": page.name})
    # The square makes some products popular.
    url = ORIGIN + rng.choice(page.paths).format(n=1000 + int(_PRODUCTS * rng.random() ** 2))
    if rng.random() < _QUERY_RATE:
        url = f"{url}?{rng.choice(page.queries)}"
    if page.states_screen:
        return Place(name, {"page_url": url, "screen_name": page.name})
    return Place(name, {"page_url": url})
