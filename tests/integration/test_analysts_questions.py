"""Each question of ``docs/analysts.md`` is answered by its query, asked with no more than an analyst's rights."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from benchmarks.history import fill
from tests.questions import PAGE, questions
from tests.roles import as_analyst

EVENTS, WRITTEN = 200_000, 10_000
"""In four weeks; with fewer, PostgreSQL would rightly read whole tables."""

TIME_INDEX = r"idx_\w+_time|idx_sessions_start|latency_windows_window_start"

QUESTIONS = questions()

OF_ALL = {"What is slow, and what fails?", "When was it slow?"}
"""Asked of windows, which know no sessions."""

A_BOT = """
    INSERT INTO hxi_state.user_agents (digest, device_class, is_bot, judged_by)
    VALUES (sha256('a bot'), 'mobile', true, 'hand');
    INSERT INTO sessions (session_id, start_time, end_time, user_agent)
    VALUES (%(bot)s, '2024-01-01', '2024-01-08', 'a bot');
    INSERT INTO events (session_id, event_type, screen_name, element_id, timestamp)
    SELECT %(bot)s, event_type, screen_name, element_id, timestamp FROM events;
    INSERT INTO rage_click_events (session_id, screen_name, element_id, click_count, first_click_time, last_click_time)
    SELECT %(bot)s, screen_name, element_id, click_count, first_click_time, last_click_time FROM rage_click_events;
    INSERT INTO heatmap_points (session_id, event_time, screen_name, kind, x, y, viewport_width, viewport_height)
    SELECT %(bot)s, event_time, screen_name, kind, x, y, viewport_width, viewport_height FROM heatmap_points;
    INSERT INTO journey_steps (session_id, step_number, screen_name, event_time)
    SELECT %(bot)s, row_number() OVER (ORDER BY event_time, id), screen_name, event_time FROM journey_steps;
    INSERT INTO error_logs (session_id, screen_name, error_message, stack_trace, occurred_at)
    SELECT %(bot)s, screen_name, error_message, stack_trace, occurred_at FROM error_logs;
    INSERT INTO experience_scores (session_id, score, issues)
    VALUES (%(bot)s, 0, '[{"code": "js_error", "count": 1, "points": 100}]')
"""
"""Has done again what all others did together."""


@pytest.fixture(scope="module")
def analyst(own_database: str) -> Iterator["psycopg.Connection[Any]"]:
    """A connection of somebody who queries what visitors have left behind."""
    fill(own_database, EVENTS, WRITTEN)
    with psycopg.connect(as_analyst(own_database), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def beside_a_bot(own_database: str, analyst: "psycopg.Connection[Any]") -> Iterator["psycopg.Connection[Any]"]:
    """A connection that alone sees what a bot has left behind, too."""
    with psycopg.connect(own_database, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(A_BOT.encode(), {"bot": uuid4()})
        yield connection
        connection.rollback()


def test_the_page_asks_twenty_questions_and_no_query_of_it_goes_untested() -> None:
    page = PAGE.read_text("utf-8").partition("\n## What they take")[0]
    assert re.findall(r"^### (\d+)\. ", page, re.MULTILINE) == [str(n) for n in range(1, 21)]
    assert len(QUESTIONS) == page.count("```sql") == 20


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_has_an_answer(analyst: "psycopg.Connection[Any]", question: str) -> None:
    cursor = analyst.execute(QUESTIONS[question].encode())
    rows = cursor.fetchall()
    assert rows
    names = [column.name for column in cursor.description or ()]
    assert len(set(names)) == len(names)
    assert {name for place, name in enumerate(names) if all(row[place] is None for row in rows)} == set()


@pytest.mark.parametrize("question", [question for question in QUESTIONS if question not in OF_ALL])
def test_a_bot_changes_no_answer(
    analyst: "psycopg.Connection[Any]", beside_a_bot: "psycopg.Connection[Any]", question: str
) -> None:
    asked = QUESTIONS[question].encode()
    assert beside_a_bot.execute(asked).fetchall() == analyst.execute(asked).fetchall()


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_rows_of_a_period_are_found_by_an_index(analyst: "psycopg.Connection[Any]", question: str) -> None:
    plan = "\n".join(line for (line,) in analyst.execute(b"EXPLAIN " + QUESTIONS[question].encode()))
    assert re.search(TIME_INDEX, plan), plan
