"""How strangers' texts and our numbers are written in a report."""

from datetime import UTC, datetime, timedelta

import pytest

from agents.report.texts import (
    clean,
    counted,
    duration,
    label,
    length,
    lines,
    milliseconds,
    number,
    percent,
    period,
    short,
)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("/cart", "/cart"),
        ("  two\nlines\t\x00\x1b[2J ", "two lines [2J"),
        ("\u202eexe.txt\u2066", "exe.txt"),
        ("مرحبا", "مرحبا"),
        ("", "(none)"),
        (None, "(none)"),
        ("\u200f", "(none)"),
    ],
)
def test_a_name_is_one_line_that_steers_nothing(text: str | None, cleaned: str) -> None:
    assert clean(text) == cleaned


@pytest.mark.parametrize("most", [4, 5, 27, 28, 29])
def test_a_long_name_keeps_its_start_and_its_end(most: int) -> None:
    text = "/products/with/a/long/name/1"
    cut = short(text, most)
    assert len(cut) == min(most, len(text))
    assert text.startswith(cut.partition("…")[0])
    assert text.endswith(cut.partition("…")[2])
    assert (cut == text) is (most >= 28)


def test_a_label_has_no_tag_and_no_entity_of_its_own() -> None:
    assert label("<b>&lt;</b>") == "\u2068&lt;b&gt;&amp;lt;&lt;/b&gt;\u2069"


def test_a_label_is_cut_before_it_is_escaped() -> None:
    assert label("<" * 40, 10) == "\u2068" + "&lt;" * 6 + "…" + "&lt;" * 3 + "\u2069"


def test_a_stack_keeps_its_first_lines() -> None:
    assert lines("Error: a\r\n\tat b\n  at c\n  at d", 3) == "Error: a\nat b\nat c"


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0.0 %"),
        (0.0004, "<0.1 %"),
        (0.001, "0.1 %"),
        (0.0994, "9.9 %"),
        (0.0996, "10 %"),
        (0.5, "50 %"),
        (0.994, "99 %"),
        (0.9999, "99.9 %"),
        (1, "100 %"),
        (2.5, "250 %"),
    ],
)
def test_a_share_is_never_written_as_none_or_all_where_it_is_not(share: float, text: str) -> None:
    assert percent(share) == text.replace(" ", "\u202f")


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 ms"), (999.4, "999 ms"), (999.6, "1.0 s"), (1500, "1.5 s"), (250_000, "250 s")]
)
def test_a_latency_is_in_its_usual_unit(value: float, text: str) -> None:
    assert milliseconds(value) == text.replace(" ", "\u202f")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0:00"), (499, "0:00"), (59_499, "0:59"), (59_500, "1:00"), (3_600_000, "1:00:00"), (180_000_000, "2 d 2 h")],
)
def test_a_duration_is_as_on_a_clock(value: int, text: str) -> None:
    assert duration(value) == text.replace(" ", "\u202f")


@pytest.mark.parametrize(
    ("of", "text"),
    [
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=15), "15 minutes"),
        (timedelta(hours=6), "6 hours"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=28), "28 days"),
    ],
)
def test_a_step_is_in_words(of: timedelta, text: str) -> None:
    assert length(of) == text


def test_numbers_are_counted_in_words() -> None:
    assert (number(1234567), counted(1, "session"), counted(2000, "session")) == (
        "1\u202f234\u202f567",
        "1 session",
        "2\u202f000 sessions",
    )


def test_a_period_within_a_day_names_the_day_once() -> None:
    start = datetime(2026, 5, 4, 12, tzinfo=UTC)
    assert period(start, start.replace(hour=18)) == "4 May 2026, 12:00 \u2013 18:00"
    assert period(start, start.replace(day=5)) == "4 May 2026, 12:00 \u2013 5 May 2026, 12:00"
