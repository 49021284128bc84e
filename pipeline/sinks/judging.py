"""Scores the sessions that have changed, in a transaction of its own, whenever nobody is writing them.

A flush marks the sessions it changes. Here marks are taken and the scores written that follow
from what the tables hold then, all of it or nothing; what changes meanwhile is marked again. So
any worker may do it, any number of times.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import psycopg

from pipeline.moments import microseconds
from pipeline.scores import Call, Evidence, Happening, ScorePolicy, score_row
from pipeline.sinks.connection import fetch
from schema.sql import query


async def judge_sessions(connection: psycopg.AsyncConnection[Any], most: int, policy: ScorePolicy) -> int:
    """Judge up to ``most`` changed sessions; return how many there were."""
    async with connection.transaction():
        taken = await _ids(connection, "take_unjudged", most=most)
        if taken:
            ended = await _ids(connection, "ended_sessions", session_ids=taken)
            await _write_scores(connection, ended, policy)
            open_again = list(set(taken).difference(ended))
            await connection.execute(query("clear_scores"), {"session_ids": open_again})
    return len(taken)


async def _ids(connection: psycopg.AsyncConnection[Any], name: str, **parameters: Any) -> list[UUID]:
    return [session_id for (session_id,) in await fetch(connection, name, **parameters)]


async def _write_scores(connection: psycopg.AsyncConnection[Any], session_ids: list[UUID], policy: ScorePolicy) -> None:
    evidence = {session_id: Evidence() for session_id in session_ids}
    _sort(evidence, await fetch(connection, "score_evidence", session_ids=session_ids))
    rows = [score_row(session_id, evidence[session_id], policy) for session_id in session_ids]
    parameters = {
        "session_ids": session_ids,
        "scores": [row.score for row in rows],
        "issues": [row.issues.decode() for row in rows],
    }
    await connection.execute(query("merge_scores"), parameters)


def _sort(evidence: dict[UUID, Evidence], rows: Iterable[tuple[Any, ...]]) -> None:
    for session_id, kind, time, screen_name, latency_ms, status_code in rows:
        of_session, time_us = evidence[session_id], microseconds(time)
        match kind:
            case "rage_click":
                of_session.rage_clicks.append(Happening(time_us, screen_name))
            case "click":
                of_session.clicks.append(time_us)
            case "error":
                of_session.errors.append(Happening(time_us, screen_name))
            case "call":
                of_session.calls.append(Call(time_us, screen_name, latency_ms, status_code))
            case "step":
                of_session.steps.append(Happening(time_us, screen_name))
