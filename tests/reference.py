"""What the windowed results have to be, worked out the plainest way: sort everything, walk over it once.

Shares no code with the product and knows no batches, restarts, lateness or state, so that agreeing with it
means something. Takes accepted events in any order, already :func:`deduplicated`. Times are microseconds
since the epoch. ``test_reference.py`` checks it against rows typed by hand.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from uuid import UUID

MINUTE_US = 60_000_000
POINT_WINDOW_US = 10_000_000
LONGEST_ENDPOINT = 255

RageClick = tuple[UUID, str | None, str | None, int, int, int]
"""Session, element, screen, clicks, first and last click."""

Point = tuple[UUID, str | None, str, int | None, int | None, int | None, int | None, int, int]
"""Session, screen, kind, viewport width and height, x, y, weight, first event."""

Step = tuple[UUID, int, str, int]
"""Session, step number, screen, time."""

Window = tuple[int, str | None, str]
"""Start of the minute, screen, normalised endpoint."""


@dataclass(frozen=True)
class Seen:
    """An accepted event, as the events table shows it."""

    session_id: UUID
    event_type: str
    time_us: int
    event_uuid: UUID | None = None
    screen_name: str | None = None
    element_id: str | None = None
    x: int | None = None
    y: int | None = None
    scroll_position: int | None = None
    viewport_width: int | None = None
    viewport_height: int | None = None
    api_endpoint: str | None = None
    latency_ms: int | None = None
    status_code: int | None = None


@dataclass(frozen=True)
class Rule:
    """What makes a rage click: the contract's parameters; 0 means no limit for ``window_ms`` and ``radius_px``."""

    min_clicks: int
    max_gap_ms: int
    window_ms: int
    radius_px: float
    metric: str
    same_element: bool
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rollup:
    """The calls of one minute, screen and endpoint; the percentiles are exact."""

    calls: int
    errors: int
    min_ms: int
    max_ms: int
    mean_ms: float
    p50: float
    p95: float
    p99: float
    apdex: float


RULES = {
    "hxi": Rule(3, 1000, 1000, 30, "euclidean", False),
    "posthog": Rule(3, 999, 0, 29.999, "manhattan", False),
    "mixpanel": Rule(4, 999, 0, 29.999, "euclidean", False),
    "datadog": Rule(3, 999, 1000, 100, "euclidean", True),
    "newrelic": Rule(4, 999, 999, 0, "euclidean", True),
    "openreplay": Rule(3, 299, 0, 0, "euclidean", True),
    "amplitude": Rule(4, 999, 999, 50, "box", True),
}


def deduplicated(events: Iterable[Seen]) -> list[Seen]:
    """Return ``events`` without those whose id their session had before; events without an id all stay."""
    kept, had = [], set()
    for event in events:
        key = (event.session_id, event.event_uuid)
        if event.event_uuid is None or key not in had:
            kept.append(event)
        had.add(key)
    return kept


def rage_clicks(events: Iterable[Seen], rule: Rule) -> Counter[RageClick]:
    """Return the runs of clicks that ``rule`` calls rage clicks."""
    runs: list[list[Seen]] = []
    current: dict[tuple[UUID, str | None], list[Seen]] = {}
    clicks = [event for event in events if event.event_type == "click" and not is_ignored(event, rule)]
    for click in sorted(clicks, key=click_order):
        place = (click.session_id, click.screen_name)
        if place in current and continues(current[place], click, rule):
            current[place].append(click)
        else:
            current[place] = [click]
            runs.append(current[place])
    return Counter(
        (run[0].session_id, run[0].element_id, run[0].screen_name, len(run), run[0].time_us, run[-1].time_us)
        for run in runs
        if is_rage(run, rule)
    )


def click_order(click: Seen) -> tuple[int, int, tuple[bool, str], tuple[bool, int], tuple[bool, int]]:
    """Return what clicks are sorted by: time, then whatever tells those of one instant apart."""
    return (
        click.time_us,
        id_order(click),
        (click.element_id is not None, click.element_id or ""),
        (click.x is not None, click.x or 0),
        (click.y is not None, click.y or 0),
    )


def id_order(event: Seen) -> int:
    """Return the event's id as a number, below all of them if it has none."""
    return -1 if event.event_uuid is None else event.event_uuid.int


def is_ignored(click: Seen, rule: Rule) -> bool:
    """Return whether the click is to be treated as if it were not there."""
    return click.element_id is not None and any(fnmatchcase(click.element_id, glob) for glob in rule.ignore)


def continues(run: Sequence[Seen], click: Seen, rule: Rule) -> bool:
    """Return whether ``click`` belongs to the run before it."""
    last = run[-1]
    if click.time_us - last.time_us > rule.max_gap_ms * 1000:
        return False
    if rule.same_element and click.element_id != last.element_id:
        return False
    return rule.radius_px == 0 or is_near(run, click, rule)


def is_near(run: Sequence[Seen], click: Seen, rule: Rule) -> bool:
    """Return whether ``click`` lies within the radius of the run, by the rule's metric."""
    last = run[-1]
    if not (has_place(last) and has_place(click)) and click.element_id != last.element_id:
        return False
    if rule.metric == "box":
        together = [one for one in [*run, click] if has_place(one)]
        xs = [one.x for one in together if one.x is not None]
        ys = [one.y for one in together if one.y is not None]
        return not together or (max(xs) - min(xs) <= rule.radius_px and max(ys) - min(ys) <= rule.radius_px)
    if last.x is None or last.y is None or click.x is None or click.y is None:
        return True
    dx, dy = abs(click.x - last.x), abs(click.y - last.y)
    if rule.metric == "manhattan":
        return dx + dy <= rule.radius_px
    assert rule.metric == "euclidean", rule.metric
    return dx * dx + dy * dy <= rule.radius_px * rule.radius_px


def has_place(click: Seen) -> bool:
    """Return whether the click has both coordinates; one of them is as good as none."""
    return click.x is not None and click.y is not None


def is_rage(run: Sequence[Seen], rule: Rule) -> bool:
    """Return whether enough consecutive clicks of the run lie close enough together in time."""
    starts = range(len(run) - rule.min_clicks + 1)
    spans = [run[start + rule.min_clicks - 1].time_us - run[start].time_us for start in starts]
    return any(rule.window_ms == 0 or span <= rule.window_ms * 1000 for span in spans)


def heatmap_points(events: Iterable[Seen], cell_px: int) -> Counter[Point]:
    """Return a point per session, screen, kind, viewport, ten seconds and cell."""
    cells: defaultdict[tuple[object, ...], list[tuple[Seen, int | None, int | None]]] = defaultdict(list)
    for event in events:
        if event.event_type not in ("click", "scroll", "mouse_move"):
            continue
        is_scroll = event.event_type == "scroll"
        x, y = (None, event.scroll_position) if is_scroll else (event.x, event.y)
        viewport = (event.viewport_width, event.viewport_height)
        cell = (None if x is None else x // cell_px, None if y is None else y // cell_px)
        window = event.time_us // POINT_WINDOW_US
        cells[event.session_id, event.screen_name, event.event_type, viewport, window, cell].append((event, x, y))
    points: Counter[Point] = Counter()
    for members in cells.values():
        first = members[0][0]
        x = rounded_mean([x for _, x, _ in members if x is not None])
        y = rounded_mean([y for _, _, y in members if y is not None])
        kind, size = first.event_type, (first.viewport_width, first.viewport_height)
        first_us = min(event.time_us for event, _, _ in members)
        points[first.session_id, first.screen_name, kind, *size, x, y, len(members), first_us] += 1
    return points


def rounded_mean(values: Sequence[int]) -> int | None:
    """Return floor(mean + 1/2), exactly; None of nothing."""
    return (2 * sum(values) + len(values)) // (2 * len(values)) if values else None


def journey_steps(events: Iterable[Seen]) -> Counter[Step]:
    """Return a step per change of screen, numbered from 1 in every session."""
    views: defaultdict[UUID, list[tuple[int, int, str]]] = defaultdict(list)
    for event in events:
        if event.event_type in ("page_view", "screen_view") and event.screen_name is not None:
            views[event.session_id].append((event.time_us, id_order(event), event.screen_name))
    steps: Counter[Step] = Counter()
    for session_id, of_session in views.items():
        number, before = 0, None
        for time_us, _, screen in sorted(of_session):
            if screen != before:
                number += 1
                steps[session_id, number, screen, time_us] += 1
            before = screen
    return steps


def latency_rollups(events: Iterable[Seen], apdex_t_ms: int) -> dict[Window, Rollup]:
    """Return the calls of all sessions summed per minute, screen and endpoint."""
    windows: defaultdict[Window, list[tuple[int, int]]] = defaultdict(list)
    for event in events:
        if event.event_type == "api_call":
            assert event.api_endpoint is not None
            assert event.latency_ms is not None
            assert event.status_code is not None
            start_us = event.time_us // MINUTE_US * MINUTE_US
            window = (start_us, event.screen_name, normalised(event.api_endpoint))
            windows[window].append((event.latency_ms, event.status_code))
    return {window: rollup(calls, apdex_t_ms) for window, calls in windows.items()}


def rollup(calls: Sequence[tuple[int, int]], apdex_t_ms: int) -> Rollup:
    """Return what calls of these latencies and status codes come to."""
    latencies = sorted(latency_ms for latency_ms, _ in calls)
    satisfied = sum(latency_ms <= apdex_t_ms for latency_ms in latencies)
    tolerating = sum(apdex_t_ms < latency_ms <= 4 * apdex_t_ms for latency_ms in latencies)
    return Rollup(
        calls=len(calls),
        errors=sum(status == 0 or status >= 500 for _, status in calls),
        min_ms=latencies[0],
        max_ms=latencies[-1],
        mean_ms=sum(latencies) / len(calls),
        p50=percentile(latencies, 50),
        p95=percentile(latencies, 95),
        p99=percentile(latencies, 99),
        apdex=(satisfied + tolerating / 2) / len(calls),
    )


def percentile(ascending: Sequence[int], percent: int) -> float:
    """Return the value this far up, between the two closest ranks, as PostgreSQL's ``percentile_cont`` does."""
    below, hundredths = divmod(percent * (len(ascending) - 1), 100)
    above = min(below + 1, len(ascending) - 1)
    return ascending[below] + (ascending[above] - ascending[below]) * hundredths / 100


NUMBER = re.compile(r"[0-9]+")
UUID_TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
HEX = re.compile(r"[0-9a-f]{8,}", re.IGNORECASE)
FULL_URL = re.compile(r"([a-z][a-z0-9+.-]*://[^/]*)(.*)", re.IGNORECASE | re.DOTALL)


def normalised(endpoint: str) -> str:
    """Return the endpoint with what differs from call to call taken out."""
    path = re.split(r"[?#]", endpoint, maxsplit=1)[0]
    origin = ""
    if full := FULL_URL.fullmatch(path):
        origin, path = full.groups()
    segments = [":id" if is_id(segment) else segment for segment in path.split("/")]
    return (origin + "/".join(segments))[:LONGEST_ENDPOINT]


def is_id(segment: str) -> bool:
    """Return whether a path segment names one thing of many: a number, a UUID, long hex."""
    if NUMBER.fullmatch(segment) or UUID_TEXT.fullmatch(segment):
        return True
    return HEX.fullmatch(segment) is not None and (len(segment) >= 16 or any(one in "0123456789" for one in segment))
