"""Each query of ``docs/sessions.md`` is answered, by index, asked with no more than an analyst's rights."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipeline.sinks.migrations import migrate
from tests.integration.test_analytics_sessions import BOT, PHONE
from tests.questions import questions
from tests.roles import as_analyst

PAGE = (Path(__file__).parents[2] / "docs/sessions.md").read_text("utf-8")
QUERIES = dict(re.findall(r"^### ([^\n]+)\n```sql\n(.+?);\n```$", PAGE, re.MULTILINE | re.DOTALL))
REASONS = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)

FILL = """
    INSERT INTO users (user_id, external_user_id)
    SELECT gen_random_uuid(), 'shopper-' || n FROM generate_series(1, 2000) AS n;
    INSERT INTO sessions (session_id, user_id, start_time, user_agent)
    SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, u.user_id,
        timestamp '2023-12-04' + n * interval '5 minutes', CASE n %% 10 WHEN 0 THEN %(bot)s ELSE %(phone)s END
    FROM generate_series(1, 10000) AS n
    JOIN users AS u ON u.external_user_id = 'shopper-' || n %% 2000 + 1;
    INSERT INTO session_replay_chunks (session_id, chunk_index, chunk_data)
    SELECT session_id, 0, '[{"type": 3, "timestamp": 1}]' FROM sessions;
    INSERT INTO experience_scores (session_id, score, issues)
    SELECT session_id, 90, '[{"code": "js_error", "count": 1, "points": 6}]' FROM sessions;
    INSERT INTO emotion_predictions (session_id, window_start, predicted_emotion)
    SELECT session_id, start_time, 'calm' FROM sessions
"""
"""Ten weeks, of which queries ask for one; by rows that others might have inserted."""


@pytest.fixture(scope="module")
def analyst(own_database: str) -> Iterator["psycopg.Connection[Any]"]:
    """A connection of somebody who queries."""
    with psycopg.connect(own_database, autocommit=True) as owner:
        psycopg.ClientCursor(owner).execute(FILL.encode(), {"bot": BOT, "phone": PHONE})
        migrate(own_database)
        owner.execute("VACUUM ANALYZE")
    with psycopg.connect(as_analyst(own_database), autocommit=True) as connection:
        yield connection


def test_no_query_of_the_page_goes_untested() -> None:
    assert len(QUERIES) == PAGE.count("```sql") == 10


@pytest.mark.parametrize("question", QUERIES)
def test_a_query_of_sessions_has_an_answer(analyst: "psycopg.Connection[Any]", question: str) -> None:
    assert analyst.execute(QUERIES[question].encode()).fetchall()


@pytest.mark.parametrize("question", QUERIES)
def test_the_sessions_of_a_period_are_found_by_an_index(analyst: "psycopg.Connection[Any]", question: str) -> None:
    query = QUERIES[question]
    index = "idx_sessions_start" if "2024-01-01" in query else r"idx_users_external|idx_emotion_predictions_once"
    plan = "\n".join(line for (line,) in analyst.execute(b"EXPLAIN " + query.encode()))
    assert re.search(index, plan), plan


def test_what_is_taken_from_everybody_is_still_granted_to_analysts(database_url: str) -> None:
    of_hxi = b"ALL FUNCTIONS IN SCHEMA public, hxi_state, analytics"
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(b"REVOKE EXECUTE ON " + of_hxi + b" FROM PUBLIC, hxi_analyst")
    migrate(database_url)
    of_rage = "SELECT * FROM analytics.session_overview WHERE rage_clicks > 0"
    with psycopg.connect(as_analyst(database_url), autocommit=True) as analyst:
        for query in (*QUERIES.values(), *questions().values(), of_rage):
            analyst.execute(query.encode())


def test_the_page_names_every_reason_in_the_order_in_which_they_count(analyst: "psycopg.Connection[Any]") -> None:
    ((view,),) = analyst.execute("SELECT pg_get_viewdef('analytics.replays'::regclass)")
    assert re.findall(r"THEN '(\w+)'", view) == REASONS
    comment = "SELECT col_description('analytics.replays'::regclass, 5)"
    ((told,),) = analyst.execute(comment)
    assert [reason for reason in re.findall(r"\w+", told) if reason in REASONS] == REASONS
