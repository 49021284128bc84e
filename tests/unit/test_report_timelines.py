"""A session's bar shows its screens, rage clicks and errors where they were."""

from dataclasses import replace

import pytest

from agents.report.palette import MOST_COLOURS, screen_colours
from agents.report.timelines import ROOM, timeline
from pipeline.report import ERROR, RAGE_CLICK, SCREEN, Mark, Move
from tests.reports import session

# /         /cart      !                 end
# |----▲----|----▲-----|                 0 to 2 minutes
LINE = session(names=("/", "/cart"))


def test_screens_fill_the_bar_each_as_long_as_it_was_looked_at() -> None:
    first, second = timeline(LINE, {"/": 0}).segments
    assert first.left == 0
    assert first.width == pytest.approx(50 / ROOM)
    assert second.left == pytest.approx(50 / ROOM)
    assert second.left + second.width == pytest.approx(100, abs=0.01)
    assert (first.colour, second.colour) == (0, None)


def test_signs_are_where_they_happened() -> None:
    signs = timeline(LINE, {}).signs
    assert [(sign.kind, round(sign.left * ROOM)) for sign in signs] == [
        (RAGE_CLICK, 25),
        (RAGE_CLICK, 75),
        (ERROR, 100),
    ]


def test_all_of_a_bar_is_said_in_words() -> None:
    assert timeline(LINE, {}).said == (
        "/ at 0:00, /cart at 1:00; rage click at 0:30: /, rage click at 1:30: /cart, error at 2:00: /cart"
    )


@pytest.mark.parametrize("duration_ms", [None, 0, 1])
def test_a_session_that_is_not_over_or_took_no_time_has_a_bar(duration_ms: int | None) -> None:
    line = timeline(replace(LINE, duration_ms=duration_ms), {})
    assert all(
        0 <= left <= 100 for left in [*(part.left for part in line.segments), *(sign.left for sign in line.signs)]
    )
    assert all(0 <= segment.width <= 100 for segment in line.segments)


def test_a_session_of_which_nothing_is_known_has_an_empty_bar() -> None:
    line = timeline(replace(LINE, marks=[]), {})
    assert (line.segments, line.signs, line.said) == ([], [], "nothing is known of it")


def test_what_came_before_the_start_is_drawn_at_it() -> None:
    line = timeline(replace(LINE, marks=[Mark(ERROR, -5_000, None), Mark(SCREEN, 0, "/")]), {})
    assert [sign.left for sign in line.signs] == [0]


def test_the_screens_that_most_sessions_saw_have_colours() -> None:
    sessions = [session(number, ("/", "/", f"/p{number}")) for number in range(2 * MOST_COLOURS)]
    known = screen_colours([], sessions)
    assert len(known) == MOST_COLOURS
    assert known["/"] == 0


def test_what_journeys_show_has_its_colour_before_what_only_some_sessions_saw() -> None:
    moves = [Move(1, "/b", "/a", 2), Move(1, "/c", None, 2), Move(2, "/a", None, 2)]
    assert screen_colours(moves, [LINE]) == {"/a": 0, "/b": 1, "/c": 2, "/": 3, "/cart": 4}
