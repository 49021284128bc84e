"""Decides what a rage click is: the contract's one rule, whose parameters are what products differ in.

Clicks of one screen of a session form runs; a run with enough clicks close together is a rage
click. A run never leaves its burst, clicks each at most ``max_gap_ms`` after the one before,
so it is enough to look at the bursts that new clicks are in (``pipeline.bursts``).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import translate
from functools import cache
from types import MappingProxyType
from typing import Literal
from uuid import UUID

from pipeline.moments import moment
from schema.fields import US_PER_MS
from schema.rows import Click, RageClickRow

Metric = Literal["euclidean", "manhattan", "box"]


@dataclass(frozen=True, slots=True)
class RageRule:
    """The rule's parameters; all bounds are inclusive.

    ``window_ms`` 0: no such limit. ``radius_px`` 0: any distance. ``ignore_elements``: glob
    patterns, case-sensitive, of element ids whose clicks are as if they were not there.
    """

    min_clicks: int
    max_gap_ms: int
    window_ms: int
    radius_px: float
    metric: Metric
    same_element: bool
    ignore_elements: tuple[str, ...] = ()


PRESETS: Mapping[str, RageRule] = MappingProxyType(
    {
        "hxi": RageRule(3, 1000, 1000, 30, "euclidean", same_element=False),
        "posthog": RageRule(3, 999, 0, 29.999, "manhattan", same_element=False),
        "mixpanel": RageRule(4, 999, 0, 29.999, "euclidean", same_element=False),
        "datadog": RageRule(3, 999, 1000, 100, "euclidean", same_element=True),
        "newrelic": RageRule(4, 999, 999, 0, "euclidean", same_element=True),
        "openreplay": RageRule(3, 299, 0, 0, "euclidean", same_element=True),
        "amplitude": RageRule(4, 999, 999, 50, "box", same_element=True),
    }
)
"""What each product's public source and documentation say, as the contract lists it; ``hxi`` is ours."""


def rage_clicks(clicks: Iterable[Click], rule: RageRule) -> list[RageClickRow]:
    """Return the rage clicks among ``clicks``, which may come in any order and of any sessions."""
    screens: dict[tuple[UUID, str | None], list[Click]] = {}
    for click in clicks:
        if not _is_ignored(click.element_id, rule.ignore_elements):
            screens.setdefault((click.session_id, click.screen_name), []).append(click)
    rows: list[RageClickRow] = []
    for of_screen in screens.values():
        if len(of_screen) >= rule.min_clicks:
            rows += _rows([run for run in _runs(sorted(of_screen, key=_order), rule) if _is_rage(run, rule)])
    return rows


class _Box:
    """The smallest rectangle around the located clicks of a run."""

    def __init__(self) -> None:
        self._left: float = float("inf")
        self._right = -self._left
        self._top, self._bottom = self._left, self._right

    def spans(self, x: int, y: int, side: float) -> bool:
        """Return whether it fits, together with a point, in a square of this side."""
        wide = max(self._right, x) - min(self._left, x)
        high = max(self._bottom, y) - min(self._top, y)
        return wide <= side and high <= side

    def add(self, click: Click) -> None:
        if click.x is not None and click.y is not None:
            self._left, self._right = min(self._left, click.x), max(self._right, click.x)
            self._top, self._bottom = min(self._top, click.y), max(self._bottom, click.y)


def _runs(clicks: Iterable[Click], rule: RageRule) -> Iterator[list[Click]]:
    """Cut the clicks of one screen, in order, where one does not continue the run before it."""
    run: list[Click] = []
    box = _Box()
    for click in clicks:
        if run and not _continues(run[-1], click, box, rule):
            yield run
            run, box = [], _Box()
        run.append(click)
        if rule.metric == "box":
            box.add(click)
    if run:
        yield run


def _continues(last: Click, click: Click, box: _Box, rule: RageRule) -> bool:
    if click.time_us - last.time_us > rule.max_gap_ms * US_PER_MS:
        return False
    if rule.same_element and click.element_id != last.element_id:
        return False
    return rule.radius_px == 0 or _is_near(last, click, box, rule)


def _is_near(last: Click, click: Click, box: _Box, rule: RageRule) -> bool:
    """Return whether ``click`` is near the run; one without coordinates is near its own element alone."""
    unlocated = click.x is None or click.y is None or last.x is None or last.y is None
    if unlocated and click.element_id != last.element_id:
        return False
    if click.x is None or click.y is None:
        return True
    if rule.metric == "box":
        return box.spans(click.x, click.y, rule.radius_px)
    if last.x is None or last.y is None:
        return True
    across, down = abs(click.x - last.x), abs(click.y - last.y)
    if rule.metric == "manhattan":
        return across + down <= rule.radius_px
    return across * across + down * down <= rule.radius_px * rule.radius_px


def _is_rage(run: list[Click], rule: RageRule) -> bool:
    if rule.window_ms == 0:
        return len(run) >= rule.min_clicks
    window_us = rule.window_ms * US_PER_MS
    lasts = run[rule.min_clicks - 1 :]
    return any(last.time_us - first.time_us <= window_us for first, last in zip(run, lasts, strict=False))


def _rows(runs: Iterable[list[Click]]) -> Iterator[RageClickRow]:
    """Yield a row per run of one screen, in order."""
    previous_us, ordinal = None, 0
    for run in runs:
        first, last = run[0], run[-1]
        ordinal = ordinal + 1 if first.time_us == previous_us else 0
        previous_us = first.time_us
        yield RageClickRow(
            first.session_id,
            first.element_id,
            first.screen_name,
            len(run),
            moment(first.time_us),
            moment(last.time_us),
            ordinal,
        )


def _order(click: Click) -> tuple[int, int, bool, str, int, int]:
    """Event time, then what else tells clicks apart: never the order of arrival."""
    return (
        click.time_us,
        -1 if click.event_uuid is None else click.event_uuid.int,
        click.element_id is not None,
        click.element_id or "",
        _NOWHERE if click.x is None else click.x,
        _NOWHERE if click.y is None else click.y,
    )


_NOWHERE = -(2**31) - 1
"""Comes before every coordinate."""


def _is_ignored(element_id: str | None, patterns: tuple[str, ...]) -> bool:
    return bool(patterns) and element_id is not None and _matcher(patterns).match(element_id) is not None


@cache
def _matcher(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(translate(pattern) for pattern in patterns))
