"""What pages are made of: parts that can be clicked, and the menu that all pages share.

A part is placed on a grid of twelve columns, its top and height in pixels of a desktop page;
`pipeline.simulation.layout` turns parts into elements of one viewport.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Part:
    """Something on a page that can be clicked.

    Attributes:
        element_id: As in the document.
        kind: `link`, `button`, `input`, `submit`, `stepper`, or for what does nothing `img`, `div`, `text`.
        box: First column, top in pixels, columns, height in pixels.
        leads: Name of the page that a click opens; empty for none.
        calls: Endpoint that a click asks; empty for none.
        weight: How attractive it is among the links of its page.
    """

    element_id: str
    kind: str
    box: tuple[float, int, float, int]
    leads: str = ""
    calls: str = ""
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the site and the screen of the application that shows the same.

    Attributes:
        name: The screen's name in the application.
        paths: Paths on the web, one drawn for each visit; `{n}` is a product's number.
        queries: Query strings, of which one is drawn for some visits.
        height: Of the document on a desktop, in pixels.
        parts: What can be clicked.
        loads: Endpoints asked when the page opens.
        states_screen: Whether the web client states the screen's name too.
    """

    name: str
    paths: tuple[str, ...]
    queries: tuple[str, ...]
    height: int
    parts: tuple[Part, ...]
    loads: tuple[str, ...]
    states_screen: bool = False


MENU: Final = (
    Part("nav-logo", "link", (0, 16, 1.5, 40), leads="home", weight=0.3),
    Part("nav-categories", "link", (2, 16, 1.5, 40), leads="listing", weight=0.8),
    Part("search-box", "input", (4, 16, 4, 40), leads="search", weight=0.8),
    Part("nav-help", "link", (8.5, 16, 1, 40), leads="help", weight=0.2),
    Part("nav-account", "link", (9.6, 16, 1, 40), leads="account", weight=0.3),
    Part("nav-cart", "link", (10.8, 16, 1, 40), leads="cart", weight=0.6),
)
MENU_IDS: Final = frozenset(part.element_id for part in MENU)


def cards(top: int, rows: int) -> tuple[Part, ...]:
    """Four product cards in a row, 380 pixels apart."""
    places = [(row, column) for row in range(rows) for column in range(4)]
    return tuple(
        Part(f"card-{4 * row + column + 1}", "link", (3 * column + 0.1, top + 380 * row, 2.8, 340), leads="product")
        for row, column in places
    )
