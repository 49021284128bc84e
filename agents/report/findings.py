"""What a report says first: its figures, each beside that of the time before, and in sentences what stands out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from agents.report.texts import DASH, TIMES, clean, counted, milliseconds, number, percent
from pipeline.report import Headlines, Report

CAUSES: Final = {
    "rage_click": "rage clicks",
    "js_error": "JavaScript errors",
    "failed_call": "failed API calls",
    "slow_call": "slow API calls",
    "turned_back": "turning back at once",
    "error_after_click": "errors after a click",
    "frustrated": "frustrated windows",
}
"""What the codes of ``pipeline.scores`` mean."""

NOTICED: Final = 0.005
"""A change of less is none."""

Verdict = Literal["better", "worse", "neutral"]


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure; ``change`` is since the period before, None where there was nothing then."""

    title: str
    value: str
    note: str
    change: str | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence around a stranger's text: what comes before it, the text itself, and what comes after."""

    section: str
    before: str
    name: str
    after: str


def tiles(now: Headlines, before: Headlines) -> list[Tile]:
    """Return the figures in the order in which they are asked for."""

    def tile(title: str, value: str, note: str, one: float | None, other: float | None, more_is: Verdict) -> Tile:
        return Tile(title, value, note, *_change(one, other if before.sessions else None, more_is))

    rage, was_raging = _rage(now), _rage(before)
    broken, was_broken = (
        _share(now.sessions_with_errors, now.sessions),
        _share(before.sessions_with_errors, before.sessions),
    )
    return [
        tile("Sessions", number(now.sessions), "that began", now.sessions, before.sessions, "neutral"),
        tile("People", number(now.people), "who gave a name", now.people, before.people, "neutral"),
        tile("Events", number(now.events), counted(now.clicks, "click"), now.events, before.events, "neutral"),
        tile(
            "Rage clicks",
            DASH if rage is None else number(rage, 1),
            f"per {number(1000)} clicks; {number(now.rage_clicks)} in all",
            rage,
            was_raging,
            "worse",
        ),
        tile(
            "Error share",
            DASH if broken is None else percent(broken),
            f"{counted(now.sessions_with_errors, 'session')} with an error",
            broken,
            was_broken,
            "worse",
        ),
        tile(
            "API latency, p95",
            DASH if now.p95_ms is None else milliseconds(now.p95_ms),
            f"{counted(now.calls, 'call')}, {percent(now.failed_calls / now.calls)} failed"
            if now.calls
            else "no calls",
            now.p95_ms,
            before.p95_ms,
            "worse",
        ),
        tile(
            "Median score",
            DASH if now.median_score is None else number(now.median_score, 0 if now.median_score % 1 == 0 else 1),
            "of 100",
            now.median_score,
            before.median_score,
            "better",
        ),
    ]


def findings(report: Report) -> list[Finding]:
    """Return what stands out, one of a kind."""
    return list(_found(report))


def _found(report: Report) -> Iterator[Finding]:
    for spot in report.hot_spots[:1]:
        on = f"on {clean(spot.screen_name, 'no screen')}"
        yield Finding(
            "rage",
            "Most rage: ",
            clean(spot.element_id, "no element"),
            f" {on}, in {counted(spot.sessions, 'session')} ({number(spot.rage_clicks)} rage clicks).",
        )
    for group in report.errors[:1]:
        yield Finding(
            "errors", "Most frequent error: ", clean(group.message), f" in {counted(group.sessions, 'session')}."
        )
    for slow in [endpoint for endpoint in report.endpoints if endpoint.apdex < 1][:1]:
        yield Finding(
            "latency",
            "Most calls kept waiting: ",
            clean(slow.api_endpoint),
            f" ({counted(slow.calls, 'call')}), Apdex {number(slow.apdex, 2)}, p95 {milliseconds(slow.p95_ms)}.",
        )
    for cause in report.causes[:1]:
        yield Finding(
            "scores",
            "What cost most points: ",
            CAUSES.get(cause.code, clean(cause.code)),
            f", {number(cause.points)} in {counted(cause.sessions, 'session')}.",
        )


def _rage(of: Headlines) -> float | None:
    return of.rage_clicks * 1000 / of.clicks if of.clicks else None


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _change(now: float | None, before: float | None, more_is: Verdict) -> tuple[str | None, Verdict]:
    if now is None or not before:
        return None, "neutral"
    change = now / before - 1
    if abs(change) < NOTICED:
        return "as before", "neutral"
    arrow = "▲" if change > 0 else "▼"
    opposite: dict[Verdict, Verdict] = {"better": "worse", "worse": "better", "neutral": "neutral"}
    size = percent(abs(change)) if abs(change) < 10 else f"{TIMES} {number(now / before)}"
    return f"{arrow} {size}", more_is if change > 0 else opposite[more_is]
