"""Functions of ``analytics`` refuse arguments that mean nothing, in a sentence, whether there are rows or not."""

from collections.abc import Iterator

import pytest
from psycopg.errors import InvalidParameterValue

from pipeline.moments import moment
from tests.builders import at
from tests.handmade import Rows

NONSENSE = [
    ("heatmap_grid", "'/a', cell_px => 0", "cell_px has to be 1 or more"),
    ("heatmap_grid", "'/a', cell_px => -10", "cell_px has to be 1 or more"),
    ("heatmap_grid", "'/a', cell_px => NULL", "cell_px has to be 1 or more"),
    ("heatmap_grid", "'/a', columns => 0", "columns has to be 1 or more"),
    ("heatmap_grid", "'/a', columns => -1, relative => true", "columns has to be 1 or more"),
    ("heatmap_grid", "'/a', 'scroll'", "kind has to be click or mouse_move; of scrolls, ask analytics.scroll_depths"),
    ("heatmap_grid", "'/a', NULL", "kind has to be click or mouse_move"),
    ("top_paths", "0", "steps has to be 1 or more"),
    ("top_paths", "NULL", "steps has to be 1 or more"),
    ("transitions", "0", "steps has to be 1 or more, or NULL"),
    ("funnel", "'{/a}', NULL", "within has to be an interval, and not a negative one"),
    ("funnel", "'{/a}', '-1 hour'", "within has to be an interval, and not a negative one"),
    ("funnel", "'{/a,NULL}'", "screens has to be an array without NULL"),
    ("funnel", "NULL", "screens has to be an array without NULL"),
    *(
        ("latency_over_time", step, "step has to be an interval of more than 0, in days or less")
        for step in ("'0 hours'", "'-1 hour'", "'1 month'", "'1 year 1 day'", "'infinity'", "NULL")
    ),
]
"""A function, what it is asked for after the period, and what it says to that."""

SENSE = [
    ("heatmap_grid", "'/a', 'mouse_move', cell_px => 1, columns => 1"),
    ("top_paths", "1"),
    ("transitions", "NULL"),
    ("transitions", "1"),
    ("funnel", "'{/a,/a}', '0'"),
    ("latency_over_time", "'1 microsecond'"),
    ("latency_over_time", "'40 days'"),
]


@pytest.fixture
def rows(database_url: str) -> Iterator[Rows]:
    with Rows.of(database_url) as opened:
        yield opened


def add_some(rows: Rows) -> None:
    rows.journey("ann", "/a 0, /b 10")
    rows.add("heatmap_points", "ann", event_time=moment(at(1)), screen_name="/a", x=5, y=5, viewport_width=800)


def ask(rows: Rows, function: str, arguments: str) -> None:
    rows.ask(f"SELECT * FROM analytics.{function}('-infinity', 'infinity', {arguments})")


@pytest.mark.parametrize(("function", "arguments", "said"), NONSENSE)
def test_what_means_nothing_is_refused_in_a_sentence(rows: Rows, function: str, arguments: str, said: str) -> None:
    with pytest.raises(InvalidParameterValue, match=said):
        ask(rows, function, arguments)
    add_some(rows)
    with pytest.raises(InvalidParameterValue, match=said):
        ask(rows, function, arguments)


@pytest.mark.parametrize(("function", "arguments"), SENSE)
def test_the_least_that_means_something_is_answered(rows: Rows, function: str, arguments: str) -> None:
    add_some(rows)
    ask(rows, function, arguments)


def test_the_last_week_is_asked_for_in_utc(rows: Rows) -> None:
    rows.ask("SELECT set_config('TimeZone', 'Asia/Tokyo', false)")
    rows.add("rage_click_events", "ann", element_id="x")
    now = "now() AT TIME ZONE 'UTC'"
    rows.ask(f"UPDATE rage_click_events SET first_click_time = {now} - interval '1 minute' RETURNING id")
    assert rows.ask(f"SELECT element_id FROM analytics.rage_hot_spots({now} - interval '7 days', {now})") == [("x",)]
