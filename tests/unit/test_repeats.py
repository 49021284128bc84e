"""Libraries say each thing once, and then no more than once in a while, with how often that was."""

import logging

from agents.repeats import MOST_KINDS, PERIOD_S, Repeats


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def said(repeats: Repeats, text: str, *values: object, name: str = "aiokafka", line: int = 1) -> str | None:
    """Return how a line comes out, None where it does not."""
    record = logging.LogRecord(name, logging.ERROR, "there.py", line, text, values, None)
    return record.getMessage() if repeats.filter(record) else None


def test_what_is_repeated_is_said_once_in_a_period_and_counted() -> None:
    clock = Clock()
    repeats = Repeats(clock)
    assert said(repeats, "no node %d", 1) == "no node 1"
    assert [said(repeats, "no node %d", 2) for _ in range(500)] == [None] * 500
    clock.now_s = PERIOD_S
    assert said(repeats, "no node %d", 3) == "no node 3 (and 500 times more before)"
    assert said(repeats, "no node %d", 3) is None
    clock.now_s = 2 * PERIOD_S
    assert said(repeats, "no node %d", 3) == "no node 3 (and 1 times more before)"


def test_different_things_do_not_hide_each_other() -> None:
    repeats = Repeats(Clock())
    for line, text in ((1, "no node"), (2, "no node"), (1, "no leader")):
        assert said(repeats, text, line=line) == text
        assert said(repeats, text, name="aiokafka.conn", line=line) == text


def test_what_never_repeats_itself_is_bounded_as_well() -> None:
    repeats = Repeats(Clock())
    assert sum(said(repeats, f"no node {number}") is not None for number in range(10_000)) == MOST_KINDS + 1


def test_what_we_say_ourselves_is_let_through_but_not_what_faust_says_in_our_name() -> None:
    repeats = Repeats(Clock())
    for name in ("agents.flusher", "pipeline.sinks.watching", "py.warnings"):
        assert said(repeats, "so", name=name) == said(repeats, "so", name=name) == "so"
    assert [said(repeats, "so", name="agents.app") for _ in range(2)] == ["so", None]


def test_a_percent_sign_in_what_is_said_without_values_stays() -> None:
    clock = Clock()
    repeats = Repeats(clock)
    for expected in ("90 % full", None):
        assert said(repeats, "90 % full") == expected
    clock.now_s = PERIOD_S
    assert said(repeats, "90 % full") == "90 % full (and 1 times more before)"
