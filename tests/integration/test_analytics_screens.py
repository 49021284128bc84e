"""Rage hot spots, heatmap grids and scroll depths are what a few rows, typed by hand, say."""

from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.moments import moment
from tests.builders import at
from tests.handmade import Rows

HOUR_S = 3600
INT4_MAX = 2**31 - 1


@pytest.fixture
def rows(database_url: str) -> Iterator[Rows]:
    with Rows.of(database_url) as opened:
        yield opened


def rage(rows: Rows, session: str, seconds: float, screen: str | None, element: str | None, clicks: int | None) -> None:
    first, last = moment(at(seconds)), moment(at(seconds + 1))
    said = {"screen_name": screen, "element_id": element, "click_count": clicks}
    rows.add("rage_click_events", session, first_click_time=first, last_click_time=last, **said)


def point(rows: Rows, session: str = "ann", seconds: float = 1, screen: str | None = "/a", **said: Any) -> None:
    rows.add("heatmap_points", session, event_time=moment(at(seconds)), screen_name=screen, **said)


def test_a_hot_spot_is_an_element_with_the_sessions_that_raged_of_those_that_were_there(rows: Rows) -> None:
    # seconds   0      10      20      30     3600
    # ann       /a  rage x  rage x            rage x
    # bob       /a          rage y
    # cat       /a                     /b
    # dan                   rage x                     who came to /a before noon
    for session, steps in {"ann": "/a 0", "bob": "/a 0", "cat": "/a 0, /b 30", "dan": "/a -5"}.items():
        rows.journey(session, steps)
    rage(rows, "ann", 10, "/a", "x", 3)
    rage(rows, "ann", 20, "/a", "x", 6)
    rage(rows, "ann", HOUR_S, "/a", "x", 9)
    rage(rows, "bob", 20, "/a", "y", 4)
    rage(rows, "dan", 20, "/a", "x", None)
    assert rows.ask_of("rage_hot_spots") == [
        ("/a", "x", 3, 4.5, 2, 4, 0.5, moment(at(21))),
        ("/a", "y", 1, 4, 1, 4, 0.25, moment(at(21))),
    ]


def test_rage_without_an_element_or_a_screen_counts(rows: Rows) -> None:
    rage(rows, "ann", 0, None, None, 3)
    rage(rows, "bob", 0, None, None, 5)
    assert rows.ask_of("rage_hot_spots") == [(None, None, 2, 4, 2, 2, 1, moment(at(1)))]


@pytest.mark.parametrize(("with_bots", "sessions", "share"), [(False, 1, 0.5), (True, 2, 2 / 3)])
def test_bots_neither_rage_nor_visit_unless_asked_for(rows: Rows, with_bots: bool, sessions: int, share: float) -> None:
    for session in ("ann", "bob", "bot"):
        rows.journey(session, "/a 0")
    rage(rows, "ann", 10, "/a", "x", 3)
    rage(rows, "bot", 10, "/a", "x", 3)
    ((*_, found, visitors, of_all, _last),) = rows.ask_of("rage_hot_spots", with_bots)
    assert (found, visitors, of_all) == (sessions, sessions + 1, share)


@pytest.mark.parametrize("table", ["rage_click_events", "journey_steps"])
def test_a_share_is_of_the_sessions_that_retention_left_whole(rows: Rows, table: str) -> None:
    for session in ("ann", "bob", "cat", "dan"):
        rows.journey(session, "/a 0")
    for session in ("ann", "bob"):
        rage(rows, session, 10, "/a", "x", 3)
    rows.say_removed("bob", table)
    rows.say_removed("cat", table)
    rows.say_removed("dan", "events")
    ((*_, found, visitors, of_all, _last),) = rows.ask_of("rage_hot_spots")
    assert (found, visitors, of_all) == (2, 2, 0.5)
    rows.say_removed("ann", table)
    rows.say_removed("dan", table)
    ((*_, found, visitors, of_all, _last),) = rows.ask_of("rage_hot_spots")
    assert (found, visitors, of_all) == (2, 0, None)


CELLS = [(-21, -40), (-20, -20), (-1, -20), (0, 0), (19, 0), (20, 20)]
"""A pixel, and where its cell of 20 begins."""


@pytest.mark.parametrize(("px", "begins"), CELLS)
def test_a_cell_begins_with_its_first_pixel(rows: Rows, px: int, begins: int) -> None:
    point(rows, x=px, y=px)
    assert rows.ask_of("heatmap_grid", "/a") == [(begins, begins, 1, 1)]


def test_a_cell_has_the_weights_and_the_sessions_of_its_points(rows: Rows) -> None:
    for session, weight in (("ann", 2), ("ann", 3), ("bob", None), ("bot", 50)):
        point(rows, session, x=5, y=6, kind="click", weight=weight)
    assert rows.ask_of("heatmap_grid", "/a") == [(0, 0, 6, 2)]
    everybody = rows.ask("SELECT * FROM analytics.heatmap_grid('-infinity', 'infinity', '/a', with_bots => true)")
    assert everybody == [(0, 0, 56, 3)]


LEFT_OUT: dict[str, dict[str, Any]] = {
    "before": {"seconds": -0.000001},
    "at the end": {"seconds": HOUR_S},
    "another screen": {"screen": "/b"},
    "no screen": {"screen": None},
    "another kind": {"kind": "mouse_move"},
    "without x": {"x": None},
    "without y": {"y": None},
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_a_grid_is_of_one_screen_kind_and_period(rows: Rows, case: str) -> None:
    point(rows, x=5, y=6, seconds=0)
    point(rows, **({"x": 5, "y": 6} | LEFT_OUT[case]))
    assert rows.ask_of("heatmap_grid", "/a") == [(0, 0, 1, 1)]


def test_a_grid_is_of_one_class_of_devices_where_it_is_named(rows: Rows) -> None:
    for session in ("ann", "phone", "phone of bob"):
        point(rows, session, x=5, y=6)
    assert rows.ask_of("heatmap_grid", "/a", "click", "mobile") == [(0, 0, 2, 2)]
    assert rows.ask_of("heatmap_grid", "/a", "click", "desktop") == []


# Ten columns:  0 ............ 0.9 1
RELATIVE = [(0, 800, 0), (79, 800, 0), (80, 800, 0.1), (799, 800, 0.9), (800, 800, 0.9), (39, 390, 0.1)]


@pytest.mark.parametrize(("x", "width", "column"), RELATIVE)
def test_columns_are_shares_of_the_viewports_width(rows: Rows, x: int, width: int, column: float) -> None:
    point(rows, x=x, y=45, viewport_width=width)
    assert rows.ask_of("heatmap_grid", "/a", "click", None, True, 20, 10) == [(pytest.approx(column), 40, 1, 1)]


def test_a_column_begins_with_its_first_pixel(rows: Rows) -> None:
    for x in range(1000):
        point(rows, x=x, y=0, viewport_width=1000)
    columns = rows.ask_of("heatmap_grid", "/a", "click", None, True, 20, 50)
    assert columns == [(pytest.approx(n / 50), 0, 20, 1) for n in range(50)]


@pytest.mark.parametrize(("x", "width"), [(801, 800), (-1, 800), (5, None), (0, 0), (5, -1)])
def test_what_lies_beside_its_viewport_has_no_column(rows: Rows, x: int, width: int | None) -> None:
    point(rows, x=x, y=45, viewport_width=width)
    assert rows.ask_of("heatmap_grid", "/a", "click", None, True) == []


Depths = list[tuple[int, int, float]]
"""Pixels, sessions, share."""


def depths(rows: Rows, screen: str = "/a") -> Depths:
    asked = [(px, sessions, share) for _, px, sessions, share in rows.ask_of("scroll_depths", screen)]
    of_all = [(px, sessions, share) for name, px, sessions, share in rows.ask_of("scroll_depths") if name == screen]
    assert asked == of_all
    return asked


def scroll(rows: Rows, session: str, position: int, height: int | None, **said: Any) -> None:
    point(rows, session, kind="scroll", y=position, viewport_height=height, **said)


def test_a_session_counts_once_at_each_depth_that_it_saw(rows: Rows) -> None:
    for position in (0, 50, 250, 250, 100):
        scroll(rows, "ann", position, 200)
    scroll(rows, "bob", 50, 200)
    rows.journey("cat", "/a 0")
    rows.journey("ann", "/a 0")
    scroll(rows, "bob", 900, 200, screen="/b")
    scroll(rows, "bot", 900, 200)
    assert depths(rows) == [
        (0, 3, 1),
        (100, 2, pytest.approx(2 / 3)),
        (200, 2, pytest.approx(2 / 3)),
        (300, 1, pytest.approx(1 / 3)),
        (400, 1, pytest.approx(1 / 3)),
    ]
    assert depths(rows, "/b")[-1] == (1100, 1, 1)
    assert rows.ask_of("scroll_depths", "/a", None, True)[-1] == ("/a", 1100, 1, 0.25)


DEEPEST = [
    ("scroll", -50, None, 0),
    ("scroll", -50, 99, 0),
    ("scroll", -50, 150, 100),
    ("scroll", 0, 99, 0),
    ("scroll", 0, 100, 100),
    ("scroll", 99, None, 0),
    ("scroll", 100, None, 100),
    ("scroll", 50, 50, 100),
    ("scroll", 99_999, None, 99_900),
    ("scroll", 100_000, 0, 100_000),
    ("scroll", INT4_MAX, INT4_MAX, 100_000),
    ("click", 350, 200, 300),
    ("click", 50, 200, 200),
    ("mouse_move", None, 200, 200),
    (None, 350, None, 300),
    (None, None, None, 0),
]
"""Kind, y, viewport height, the deepest step of 100 px."""


def test_a_session_saw_what_it_scrolled_to_and_pointed_at(rows: Rows) -> None:
    for n, (kind, y, height, _) in enumerate(DEEPEST):
        point(rows, screen=f"/{n}", kind=kind, y=y, viewport_height=height)
    for n, (*_, deepest) in enumerate(DEEPEST):
        assert depths(rows, f"/{n}") == [(px, 1, 1) for px in range(0, deepest + 1, 100)], DEEPEST[n]


def test_a_scroll_that_says_no_viewport_has_the_largest_of_its_session_there(rows: Rows) -> None:
    scroll(rows, "ann", 1000, None)
    for height in (300, 700, None):
        point(rows, "ann", kind="click", x=1, y=1, viewport_height=height)
    point(rows, "bob", kind="click", x=1, y=1, viewport_height=5000, screen="/b")
    assert depths(rows)[-1] == (1700, 1, 1)


def test_what_happens_on_no_screen_has_no_depth(rows: Rows) -> None:
    scroll(rows, "ann", 500, 100, screen=None)
    scroll(rows, "ann", 500, 100, seconds=-1)
    scroll(rows, "ann", 500, 100, seconds=HOUR_S)
    assert rows.ask_of("scroll_depths") == []


@pytest.mark.parametrize("table", ["heatmap_points", "journey_steps"])
def test_nobody_knows_how_far_a_session_scrolled_that_retention_has_been_to(rows: Rows, table: str) -> None:
    for session in ("ann", "bob"):
        rows.journey(session, "/a 0")
        point(rows, session, kind="scroll", y=100)
    rows.say_removed("bob", "events")
    assert rows.ask_of("scroll_depths")[-1] == ("/a", 100, 2, 1)
    rows.say_removed("bob", table)
    assert rows.ask_of("scroll_depths")[-1] == ("/a", 100, 1, 1)


def test_depths_are_of_one_class_of_devices_where_it_is_named(rows: Rows) -> None:
    for session in ("ann", "phone", "phone of bob"):
        point(rows, session, kind="scroll", y=0)
    assert rows.ask_of("scroll_depths", "/a", "mobile") == [("/a", 0, 2, 1)]
    assert rows.ask_of("scroll_depths", "/a", "desktop") == []
