"""Each question of ``docs/analysts.md`` is answered by its query, asked with no more than an analyst's rights."""

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from benchmarks.history import fill
from tests.questions import PAGE, questions
from tests.roles import as_analyst

EVENTS, WRITTEN = 200_000, 10_000
"""In four weeks; with fewer, PostgreSQL would rightly read whole tables."""

TIME_INDEX = r"idx_\w+_time|idx_sessions_start|latency_windows_window_start"

QUESTIONS = questions()


@pytest.fixture(scope="module")
def analyst(own_database: str) -> Iterator["psycopg.Connection[Any]"]:
    """A connection of somebody who queries what visitors have left behind."""
    fill(own_database, EVENTS, WRITTEN)
    with psycopg.connect(as_analyst(own_database), autocommit=True) as connection:
        yield connection


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


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_rows_of_a_period_are_found_by_an_index(analyst: "psycopg.Connection[Any]", question: str) -> None:
    plan = "\n".join(line for (line,) in analyst.execute(b"EXPLAIN " + QUESTIONS[question].encode()))
    assert re.search(TIME_INDEX, plan), plan
