"""Judges the sessions that have changed, in a transaction of its own, whenever nobody is writing them.

A flush marks the sessions it changes. Here marks are taken and the emotions and scores written that
follow from what the tables hold then, all of it or nothing; what changes meanwhile is marked again.
So any worker may do it, any number of times.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from pipeline.emotions import TYPES, EmotionModel, judged_from, predictions, read_from, unpacked
from pipeline.fold import FoldPolicy
from pipeline.moments import microseconds, moment
from pipeline.scores import Call, Evidence, Feeling, Happening, Rage, ScorePolicy, score_row
from pipeline.sinks.connection import Connection, fetch
from schema.rows import EmotionRow
from schema.sql import query


class Judged(NamedTuple):
    """How many sessions were judged, and what of that had changed."""

    sessions: int
    rows_by_table: Mapping[str, int]


async def judge_sessions(connection: Connection, most: int, policy: FoldPolicy) -> Judged:
    """Judge up to ``most`` changed sessions; return how many there were."""
    emotions = scores = 0
    async with connection.transaction():
        taken: dict[UUID, datetime | None] = dict(await fetch(connection, "take_unjudged", most=most))
        if taken:
            held: dict[UUID, bool] = dict(await fetch(connection, "hold_sessions", session_ids=list(taken)))
            changed = {key: microseconds(time) for key in held if (time := taken[key]) is not None}
            emotions = await _write_emotions(connection, changed, policy.emotions)
            ended = [key for key, has_ended in held.items() if has_ended]
            scores = await _write_scores(connection, ended, policy.scores)
            open_again = [session_id for session_id, has_ended in held.items() if not has_ended]
            await connection.execute(query("clear_scores"), {"session_ids": open_again})
    return Judged(len(taken), {"emotion_predictions": emotions, "experience_scores": scores})


async def _write_emotions(connection: Connection, changed: Mapping[UUID, int], model: EmotionModel) -> int:
    """Judge anew what may be another since each session changed, at its time in microseconds; return how much was."""
    if not changed:
        return 0
    from_times = [moment(read_from(time_us)) for time_us in changed.values()]
    parameters = {"session_ids": list(changed), "from_times": from_times, "types": list(TYPES)}
    timelines = unpacked(dict(await fetch(connection, "timelines", **parameters)))
    since = {session_id: judged_from(time_us) for session_id, time_us in changed.items()}
    rows = predictions(timelines, since, model)
    columns: dict[str, list[Any]] = {
        name: [row[place] for row in rows] for place, name in enumerate(EmotionRow._fields)
    }
    columns["reasons"] = [reasons.decode() for reasons in columns["reasons"]]
    return (await connection.execute(query("merge_emotions"), columns)).rowcount


async def _write_scores(connection: Connection, session_ids: list[UUID], policy: ScorePolicy) -> int:
    evidence = {session_id: Evidence() for session_id in session_ids}
    _sort(evidence, await fetch(connection, "score_evidence", session_ids=session_ids))
    rows = [score_row(session_id, evidence[session_id], policy) for session_id in session_ids]
    parameters = {
        "session_ids": session_ids,
        "scores": [row.score for row in rows],
        "issues": [row.issues.decode() for row in rows],
    }
    return (await connection.execute(query("merge_scores"), parameters)).rowcount


def _sort(evidence: dict[UUID, Evidence], rows: Iterable[tuple[Any, ...]]) -> None:
    for session_id, kind, time, screen_name, clicks, latency_ms, status_code, emotion, confidence in rows:
        of_session, time_us = evidence[session_id], microseconds(time)
        match kind:
            case "rage_click":
                of_session.rage_clicks.append(Rage(time_us, screen_name, clicks))
            case "click":
                of_session.clicks.append(time_us)
            case "error":
                of_session.errors.append(Happening(time_us, screen_name))
            case "call":
                of_session.calls.append(Call(time_us, screen_name, latency_ms, status_code))
            case "step":
                of_session.steps.append(Happening(time_us, screen_name))
            case "emotion":
                of_session.emotions.append(Feeling(time_us, screen_name, emotion, confidence))
