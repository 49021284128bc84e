"""Decides the experience score: 100 less what each kind of trouble in a session cost.

The points that ``issues`` lists add up to what is missing from 100, so a reader can check any score.
Each kind of trouble has a cap, so that one kind cannot hide the others; the caps together are at
most 100, so no score is below 0. One more trouble never raises a score.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import erf, floor, fsum, log
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from pipeline.latency import is_failure
from pipeline.moments import moment
from schema.fields import US_PER_S
from schema.json_text import dump
from schema.rows import ScoreRow

RAGE_CLICK = "rage_click"
JS_ERROR = "js_error"
FAILED_CALL = "failed_call"
SLOW_CALL = "slow_call"
TURNED_BACK = "turned_back"
ERROR_AFTER_CLICK = "error_after_click"
FRUSTRATED = "frustrated"
"""This code is also the name of the emotion that it counts."""

MOST_SCREENS = 10
"""An issue names so many screens at most, in alphabetical order."""


class Weight(NamedTuple):
    """Points that one trouble of a kind costs, and what all of that kind cost at most."""

    points: float
    cap: int


WEIGHTS: Mapping[str, Weight] = MappingProxyType(
    {
        RAGE_CLICK: Weight(8, 24),
        JS_ERROR: Weight(6, 20),
        FAILED_CALL: Weight(6, 18),
        SLOW_CALL: Weight(4, 12),
        FRUSTRATED: Weight(5, 10),
        ERROR_AFTER_CLICK: Weight(4, 8),
        TURNED_BACK: Weight(2, 8),
    }
)
"""Ours. Public frustration sums weigh an error 5, a rage click and an error after a click 4, a dead click 2."""


@dataclass(frozen=True, slots=True)
class ScorePolicy:
    """Weights and thresholds.

    A slow call costs its points times 1 - s, where s falls along a log-normal curve from 0.9 at
    ``slow_p10_ms`` to 0.5 at ``slow_median_ms`` (Lighthouse's scoring curve); up to ``slow_p10_ms``
    it costs nothing. The defaults are Apdex's T and 4 T. A window was frustrated where its prediction says
    so with at least ``frustrated_confidence``, 0 to 1. A rage click costs its points for every
    ``clicks_per_rage`` clicks in it: the fewest that make one.
    """

    weights: Mapping[str, Weight] = field(default_factory=lambda: WEIGHTS)
    slow_p10_ms: int = 500
    slow_median_ms: int = 2_000
    back_within_s: float = 10
    error_after_click_s: float = 2
    frustrated_confidence: float = 0.8
    clicks_per_rage: int = 3


class Call(NamedTuple):
    """An API call as the score sees it."""

    time_us: int
    screen_name: str | None
    latency_ms: int
    status_code: int


class Rage(NamedTuple):
    """A rage click, as the score sees it."""

    time_us: int
    screen_name: str | None
    click_count: int


class Happening(NamedTuple):
    """Something at a time, on a screen where that is known."""

    time_us: int
    screen_name: str | None


class Feeling(NamedTuple):
    """What a window was judged to be; its start, and the screen of the event that completed the evidence."""

    time_us: int
    screen_name: str | None
    emotion: str
    confidence: float


@dataclass(slots=True)
class Evidence:
    """What the tables hold of one session, in any order but for ``steps``: its journey, in its own."""

    rage_clicks: list[Rage] = field(default_factory=list)
    clicks: list[int] = field(default_factory=list)
    errors: list[Happening] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    steps: list[Happening] = field(default_factory=list)
    emotions: list[Feeling] = field(default_factory=list)


class Trouble(NamedTuple):
    """Something that went wrong for a person; ``severity`` is 1 for one of it, less for a part, more for a long one."""

    code: str
    time_us: int
    screen_name: str | None
    severity: float = 1.0


def score_row(session_id: UUID, evidence: Evidence, policy: ScorePolicy) -> ScoreRow:
    """Return the session's score and its issues, those that cost most first."""
    found: dict[str, list[Trouble]] = {}
    for trouble in troubles(evidence, policy):
        found.setdefault(trouble.code, []).append(trouble)
    costs = {code: _points(found[code], policy.weights[code]) for code in sorted(found)}
    dearest = sorted((code for code in costs if costs[code]), key=lambda code: -costs[code])
    return ScoreRow(
        session_id, 100 - sum(costs.values()), dump([_issue(code, found[code], costs[code]) for code in dearest])
    )


def troubles(evidence: Evidence, policy: ScorePolicy) -> Iterator[Trouble]:
    """Yield everything in ``evidence`` that costs points."""
    for time_us, screen_name, click_count in evidence.rage_clicks:
        # By its clicks: two rage clicks that more clicks make one cost no less than before.
        yield Trouble(RAGE_CLICK, time_us, screen_name, max(1, click_count // policy.clicks_per_rage))
    clicks = sorted(evidence.clicks)
    for error in evidence.errors:
        yield Trouble(JS_ERROR, *error)
        if _follows(error.time_us, clicks, policy.error_after_click_s):
            yield Trouble(ERROR_AFTER_CLICK, *error)
    for call in evidence.calls:
        if is_failure(call.status_code):
            yield Trouble(FAILED_CALL, call.time_us, call.screen_name)
        if call.latency_ms > policy.slow_p10_ms:
            severity = 1 - log_normal_score(call.latency_ms, policy.slow_p10_ms, policy.slow_median_ms)
            yield Trouble(SLOW_CALL, call.time_us, call.screen_name, severity)
    for before, there, back in zip(evidence.steps, evidence.steps[1:], evidence.steps[2:], strict=False):
        if before.screen_name == back.screen_name and back.time_us - there.time_us <= policy.back_within_s * US_PER_S:
            yield Trouble(TURNED_BACK, there.time_us, there.screen_name)
    for feeling in evidence.emotions:
        if feeling.emotion == FRUSTRATED and feeling.confidence >= policy.frustrated_confidence:
            yield Trouble(FRUSTRATED, feeling.time_us, feeling.screen_name)


def log_normal_score(value: float, p10: float, median: float) -> float:
    """Return 0 to 1 along a log-normal curve through 0.9 at ``p10`` and 0.5 at ``median``.

    As Lighthouse scores its metrics: 1/2 (1 - erf(ln(v / median) * 0.9061938 / -ln(p10 / median))).
    """
    return (1 - erf(log(value / median) * 0.9061938024368232 / -log(p10 / median))) / 2


def _follows(time_us: int, sorted_times: Sequence[int], within_s: float) -> bool:
    """Return whether one of ``sorted_times`` is at, or at most so long before, ``time_us``."""
    place = bisect_right(sorted_times, time_us)
    return place > 0 and time_us - sorted_times[place - 1] <= within_s * US_PER_S


def _points(of_kind: Iterable[Trouble], weight: Weight) -> int:
    total = weight.points * fsum(trouble.severity for trouble in of_kind)
    return min(weight.cap, floor(total + 0.5))


def _issue(code: str, of_kind: Sequence[Trouble], points: int) -> dict[str, Any]:
    screens = sorted({trouble.screen_name for trouble in of_kind if trouble.screen_name is not None})
    return {
        "code": code,
        "count": len(of_kind),
        "points": points,
        "first_at": moment(min(trouble.time_us for trouble in of_kind)).isoformat() + "Z",
        "screens": screens[:MOST_SCREENS],
    }
