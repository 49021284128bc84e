"""Keeps what lists say of user agents: with the events that name them, and of all sessions when the lists are new."""

from collections.abc import Sequence
from typing import Any

import psycopg

from pipeline.user_agents import JUDGED_BY, judged
from schema.rows import UserAgentRow
from schema.sql import query

MOST_USER_AGENTS = 1_000
"""That are judged and written at once: 15 ms, for which a flush may have to wait."""


def judge_user_agents(connection: psycopg.Connection[Any]) -> int:
    """Judge the user agents of all sessions that today's lists have not judged; return how many those were.

    Each lot is a transaction of its own, its rows locked in the order in which workers lock them.
    """
    count = 0
    with connection.cursor("user_agents", withhold=True) as unjudged:
        unjudged.execute(query("unjudged_user_agents"), {"judged_by": JUDGED_BY})
        while found := unjudged.fetchmany(MOST_USER_AGENTS):
            rows = sorted(judged(user_agent) for (user_agent,) in found)
            connection.execute(query("merge_user_agents"), as_columns(rows))
            count += len(rows)
    return count


def as_columns(rows: Sequence[UserAgentRow]) -> dict[str, list[Any]]:
    """Return ``rows``, of which there is one at least, as the query merge_user_agents takes them."""
    return dict(zip(UserAgentRow._fields, map(list, zip(*rows, strict=True)), strict=True))
