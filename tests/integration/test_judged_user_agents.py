"""``hxi migrate`` judges user agents of sessions that nobody has judged by the lists that this version comes with."""

from typing import Any

import psycopg
import pytest

from pipeline.sinks.migrations import migrate
from pipeline.user_agents import JUDGED_BY
from tests.builders import facts, kept, numbered
from tests.integration.test_analytics_sessions import BOT, PHONE, ask, put, written

DEVICES = "SELECT session_id, browser, is_bot FROM analytics.session_devices ORDER BY session_id"


def judged_by(url: str) -> list[tuple[Any, ...]]:
    """Return by which lists user agents were judged."""
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT DISTINCT judged_by FROM hxi_state.user_agents").fetchall()


@pytest.mark.parametrize("at_once", [1, 2, 1000])
def test_sessions_that_others_inserted_have_devices_then(
    database_url: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.sinks.user_agents.MOST_USER_AGENTS", at_once)
    for number, name in enumerate((PHONE, BOT, BOT, None, "x" * 100_000)):
        put(database_url, "sessions", session_id=numbered(number), user_agent=name)
    assert ask(database_url, "SELECT count(*) FROM analytics.bot_sessions") == [(0,)]
    assert migrate(database_url).user_agents == 3
    assert ask(database_url, DEVICES) == [
        (numbered(0), "Firefox Mobile", False),
        (numbered(1), "Googlebot", True),
        (numbered(2), "Googlebot", True),
        (numbered(3), None, None),
        (numbered(4), None, False),
    ]
    assert migrate(database_url).user_agents == 0


async def test_what_earlier_lists_said_is_judged_anew(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [kept(n, session_id=numbered(n), facts=facts(user_agent=name)) for n, name in enumerate((PHONE, BOT))]
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.user_agents.JUDGED_BY", "earlier lists 1")
        await written(database_url, *events)
    assert judged_by(database_url) == [("earlier lists 1",)]
    assert migrate(database_url).user_agents == 2
    assert judged_by(database_url) == [(JUDGED_BY,)]
    assert [is_bot for *_, is_bot in ask(database_url, DEVICES)] == [False, True]
