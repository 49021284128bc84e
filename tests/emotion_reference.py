"""What windows have to say of how a person acts, worked out the plainest way: event by event, in loops.

Shares no code with the product and no thresholds either, so that agreeing with it means something.
Takes the events of one session in any order. ``test_emotion_features.py`` checks both against numbers
worked out by hand.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from statistics import fmean, pstdev
from typing import Any

from pipeline.emotions.timeline import TimelineEvent
from tests.builders import SESSION, at

WINDOW_US = 30_000_000
REMEMBERED = 10
LOOKBACK_US = 120_000_000

Sums = dict[str, float]
Sample = tuple[int, int, int]
"""Microseconds, x, y."""

KINDS = {
    "click": "click",
    "mouse_move": "move",
    "scroll": "scroll",
    "input": "input",
    "page_view": "view",
    "screen_view": "view",
    "api_call": "call",
    "error": "error",
}
DEEDS = ("click", "move", "scroll", "input", "view")
ACTS = (*DEEDS, "other")
"""What a person does, but for what happens to them: calls and errors."""

OFFSETS: dict[str, float | None] = {
    "path_ratio": -0.99,
    "path_bow": 0.02,
    "path_tremor": 0.5,
    "slowness": 0.0,
    "pointer_speed": 1.0,
    "speed_spread": None,
    "acceleration_spread": 0.1,
    "turns": None,
    "settle": 20.0,
    "pause_after_view": 0.0,
    "pause": 0.0,
    "scroll_beat": 0.0,
    "scroll_step": 1.0,
    "key_beat": 0.0,
}
"""Measures, and what is added before the logarithm is taken; None where none is."""

# fmt: off
COUNTS = (
    "dead", "tries", "doubles", "bursts", "repeats", "clicks", "errors_after_click", "familiar", "strokes",
    "runs_to_click", "runs", "hovers", "moves", "reversals", "scrolls", "revisits", "views", "backs", "unasked",
    "idles", "slow_calls", "failures", "refusals", "errors", "inputs", "acts",
)
# fmt: on


def happened(seconds: float, event_type: str = "click", number: int | None = None, **fields: Any) -> TimelineEvent:
    """Return an event this long after noon, with nothing but what is said."""
    whole: dict[str, Any] = dict.fromkeys(TimelineEvent._fields)
    whole |= {"session_id": SESSION, "time_us": at(seconds), "event_id": number, "event_type": event_type}
    return TimelineEvent(**(whole | fields))


def kind_of(event: TimelineEvent) -> str:
    """Return what the event is to features."""
    return KINDS.get(event.event_type, "other")


def window_of(event: TimelineEvent) -> int:
    """Return the start of the event's window."""
    return event.time_us // WINDOW_US * WINDOW_US


def in_order(events: Sequence[TimelineEvent]) -> list[TimelineEvent]:
    """Return events by time, those of one instant by all they have but the number of their row."""
    return sorted(events, key=_place)


def _place(event: TimelineEvent) -> tuple[Any, ...]:
    numbers = (event.x, event.y, event.scroll_position, event.latency_ms, event.status_code)
    return (
        event.time_us,
        b"" if event.event_uuid is None else event.event_uuid.bytes.rstrip(b"\0"),
        list(KINDS).index(event.event_type) if event.event_type in KINDS else len(KINDS),
        event.screen_name or "",
        event.element_id or "",
        *((number is None, number or 0) for number in numbers),
    )


def remembered_of(events: Sequence[TimelineEvent]) -> dict[int, Sums]:
    """Return by window its sums with those of the nine half minutes before it, and what they are together."""
    sums, rows = sums_of(events), {}
    acts = [event for event in events if kind_of(event) in ACTS]
    for start in sums:
        near = [each for each in sums if start - REMEMBERED * WINDOW_US < each <= start]
        begin = min(event.time_us for event in acts if window_of(event) == min(near))
        end = max(event.time_us for event in acts if window_of(event) == start)
        rows[start] = {name: math.fsum(sums[each][name] for each in near) for name in sums[start]}
        rows[start]["seconds"] = (end - begin) / 1e6 + 1
        rows[start]["empty"] = (start - min(near)) // WINDOW_US + 1 - len(near)
    return rows


def sums_of(events: Sequence[TimelineEvent]) -> dict[int, Sums]:
    """Return by window in which somebody acted how often each measure was taken, its sum, and each count."""
    names = [f"{name}:{part}" for name in OFFSETS for part in ("number", "sum")]
    sums: defaultdict[int, Sums] = defaultdict(lambda: dict.fromkeys([*names, *COUNTS], 0.0))
    session = Session(events)
    for event in session.events:
        if kind_of(event) in ACTS:
            sums[window_of(event)]["acts"] += 1
    for place, name, value in session.said():
        if window_of(session.events[place]) not in sums:
            continue
        row = sums[window_of(session.events[place])]
        if value is None:
            row[name] += 1
        else:
            offset = OFFSETS[name]
            row[f"{name}:number"] += 1
            row[f"{name}:sum"] += value if offset is None else math.log(max(value, 0) + offset)
    return dict(sums)


Said = Iterator[tuple[int, str, float | None]]
"""What the event at a place says: something to count, or a measure and its value."""


class Session:
    """The events of one session in order; they are known by their places."""

    def __init__(self, events: Sequence[TimelineEvent]) -> None:
        self.events = in_order(events)
        self.kinds = [kind_of(event) for event in self.events]
        self.time_us = [event.time_us for event in self.events]
        self.before: list[dict[str, int]] = []
        """By kind, the place of the last before each event."""
        latest: dict[str, int] = {}
        for place, kind in enumerate(self.kinds):
            self.before.append(dict(latest))
            latest[kind] = place

    def of(self, *kinds: str) -> list[int]:
        """Return the places of all of these kinds."""
        return [place for place, kind in enumerate(self.kinds) if kind in kinds]

    def last(self, place: int, kind: str) -> int:
        """Return the place of the last of this kind before, -1 if there was none."""
        return self.before[place].get(kind, -1)

    def last_sample(self, place: int) -> int:
        """Return the place of the last move before that says where the pointer was, -1 if there was none."""
        moves = (n for n in range(place - 1, -1, -1) if self.kinds[n] == "move")
        return next((n for n in moves if self.events[n].x is not None and self.events[n].y is not None), -1)

    def gap_us(self, place: int, earlier: int) -> float:
        """Return how long ago ``earlier`` was; what a window does not look back to was never."""
        horizon_us = window_of(self.events[place]) - LOOKBACK_US
        seen = earlier >= 0 and self.time_us[earlier] >= horizon_us
        return self.time_us[place] - self.time_us[earlier] if seen else math.inf

    def is_between(self, a: int, b: int, *kinds: str) -> bool:
        """Return whether one of these kinds came after ``a`` and before ``b``."""
        return any(kind in kinds for kind in self.kinds[a + 1 : b])

    def said(self) -> Said:
        """Yield all that the events say."""
        yield from self.of_pointer()
        yield from self.of_pauses()
        yield from self.of_clicks()
        yield from self.of_scrolls()
        yield from self.of_views()
        yield from self.of_services()

    def of_pauses(self) -> Said:
        """Yield pauses and the rhythm of typing."""
        for before, place in pairwise(self.of(*ACTS)):
            gap_us = self.gap_us(place, before)
            was, kind = self.kinds[before], self.kinds[place]
            if 1_200_000 < gap_us < 20_000_000:
                yield (
                    place,
                    "pause" if was in ("click", "move", "scroll", "input") else "pause_after_view",
                    gap_us / 1e3,
                )
            if 20_000_000 <= gap_us < math.inf:
                yield place, "idles", None
            if kind == was == "input" and 0 < gap_us < 3_000_000:
                yield place, "key_beat", gap_us / 1e3
        for place in self.of("input"):
            yield place, "inputs", None

    def is_again(self, place: int) -> bool:
        """Return whether a click repeats the one before."""
        before = self.last(place, "click")
        if self.gap_us(place, before) > 1_000_000:
            return False
        a, b = self.events[before], self.events[place]
        is_near = None not in (a.x, a.y, b.x, b.y) and _distance(a, b) <= 30
        return is_near or (bool(a.element_id) and a.element_id == b.element_id)

    def of_clicks(self) -> Said:
        """Yield what clicks and errors say; a burst is of three clicks or more, and counts once."""
        in_row = 0
        for place in self.of("click"):
            in_row = in_row + 1 if self.is_again(place) else 1
            yield place, "clicks", None
            if in_row == 1:
                yield place, "tries", None
                if not self.has_effect(place):
                    yield place, "dead", None
                if self.is_familiar(place):
                    yield place, "familiar", None
            else:
                yield place, "repeats", None
            if in_row in (2, 3):
                yield place, {2: "doubles", 3: "bursts"}[in_row], None
        for place in self.of("error"):
            yield place, "errors", None
            if self.gap_us(place, self.last(place, "click")) <= 2_000_000:
                yield place, "errors_after_click", None

    @cached_property
    def effects_us(self) -> list[float]:
        """When views and inputs happened, and calls began that were answered within 500 ms."""
        effects: list[float] = [self.time_us[place] for place in self.of("view", "input")]
        for place in self.of("call"):
            latency_ms, status = self.events[place].latency_ms, self.events[place].status_code
            if latency_ms is not None and latency_ms <= 500 and status is not None and 0 < status < 500:
                effects.append(self.time_us[place] - max(latency_ms, 0) * 1_000)
        return effects

    def has_effect(self, click: int) -> bool:
        """Return whether something followed a click within 2.5 s."""
        return any(0 <= effect_us - self.time_us[click] <= 2_500_000 for effect_us in self.effects_us)

    def is_familiar(self, click: int) -> bool:
        """Return whether what is clicked was clicked or hovered on another screen before."""
        here = self.events[click]
        return bool(here.element_id) and any(
            there.element_id == here.element_id
            and (there.screen_name or None) != (here.screen_name or None)
            and self.gap_us(click, place) < math.inf
            for place, there in enumerate(self.events[:click])
            if self.kinds[place] in ("click", "move")
        )

    def scrolled(self, place: int) -> int | None:
        """Return how far a scroll event went from the one before; None where that cannot be told."""
        before = self.last(place, "scroll")
        if before <= self.last(place, "view") or self.gap_us(place, before) >= 20_000_000:
            return None
        a, b = self.events[before].scroll_position, self.events[place].scroll_position
        return None if a is None or b is None else b - a

    def of_scrolls(self) -> Said:
        """Yield what scrolling says: a scroll is of many events in one beat."""
        for place in self.of("scroll"):
            before = self.last(place, "scroll")
            gap_us = self.gap_us(place, before)
            if 0 < gap_us <= 420_000 and before > max(self.last(place, "view"), self.last(place, "click")):
                yield place, "scroll_beat", gap_us / 1e3
            else:
                yield place, "scrolls", None
            if step := self.scrolled(place):
                yield place, "scroll_step", abs(step)
                if step * (self.scrolled(before) or 0) < 0:
                    yield place, "reversals", None

    def of_views(self) -> Said:
        """Yield what the way through the screens says."""
        for place in self.of("view"):
            yield place, "views", None
            views = [each for each in self.of("view") if each < place and self.gap_us(place, each) < math.inf]
            screens = [self.events[each].screen_name or None for each in views]
            here = self.events[place].screen_name or None
            if here in screens:
                yield place, "revisits", None
            if len(screens) >= 2 and screens[-2] == here != screens[-1]:
                yield place, "backs", None
            if views and self.gap_us(place, self.last(place, "click")) > 5_000_000:
                yield place, "unasked", None

    def of_services(self) -> Said:
        """Yield how long calls took and how they ended."""
        for place in self.of("call"):
            event = self.events[place]
            if event.latency_ms is not None and event.latency_ms > 500:
                yield place, "slow_calls", None
            if event.status_code is not None and (event.status_code == 0 or event.status_code >= 500):
                yield place, "failures", None
            if event.status_code is not None and 400 <= event.status_code < 500:
                yield place, "refusals", None

    def of_pointer(self) -> Said:
        """Yield what the pointer's ways say."""
        for place in self.of("move"):
            yield place, "moves", None
            if self.events[place].element_id:
                yield place, "hovers", None
        for place in self.of("click"):
            move = self.last_sample(place)
            others = (self.last(place, each) for each in ("click", "view", "scroll"))
            gap_us = self.gap_us(place, move)
            if gap_us <= 420_000 and move > max(others) and self.is_in_one_window(move, place):
                yield place, "runs_to_click", None
                yield place, "settle", gap_us / 1e3
        rested_at = None
        for run in self.runs():
            yield run[-1], "runs", None
            for stroke in cut_at_near_stops([self.sample(each) for each in run], run):
                yield stroke[-1], "strokes", None
                origin = stroke[0]
                if stroke[0] == run[0] and rested_at is not None and self.is_from_rest(rested_at, run[0]):
                    origin = rested_at
                samples = [self.sample(each) for each in stroke]
                for name, value in measures_of(self.sample(origin), samples, origin != stroke[0]):
                    yield stroke[-1], name, value
            rested_at = run[-1]

    def runs(self) -> list[list[int]]:
        """Return the pointer's samples, those that went on without a pause together."""
        runs: list[list[int]] = []
        for place in self.of("move"):
            if self.events[place].x is None or self.events[place].y is None:
                continue
            if runs and self.goes_on(runs[-1][-1], place):
                runs[-1].append(place)
            else:
                runs.append([place])
        return runs

    def goes_on(self, a: int, b: int) -> bool:
        """Return whether two samples are of one run; those of two windows never are."""
        is_soon = self.time_us[b] - self.time_us[a] <= 420_000
        return is_soon and self.is_in_one_window(a, b) and not self.is_between(a, b, "click", "view", "scroll")

    def is_from_rest(self, a: int, b: int) -> bool:
        """Return whether a run that begins at ``b`` set out from where the pointer was seen last, at ``a``."""
        return self.time_us[b] - self.time_us[a] <= 30_000_000 and not self.is_between(a, b, "view", "scroll")

    def is_in_one_window(self, a: int, b: int) -> bool:
        return window_of(self.events[a]) == window_of(self.events[b])

    def sample(self, place: int) -> Sample:
        event = self.events[place]
        assert event.x is not None
        assert event.y is not None
        return event.time_us, event.x, event.y


def _distance(a: TimelineEvent, b: TimelineEvent) -> float:
    assert a.x is not None
    assert a.y is not None
    assert b.x is not None
    assert b.y is not None
    return math.hypot(a.x - b.x, a.y - b.y)


def cut_at_near_stops(samples: Sequence[Sample], run: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield the strokes of a run: a sample where one ends begins the next.

    The pointer nearly stops at a sample if both the step to it and the step from it are slower than 0.3 of
    the fastest in the run on their side, in whole millionths of px/ms; of several such samples in a row, at the first.
    """
    speeds = [min(int(speed * 1e6), 2**40 - 1) for speed in speeds_of(samples)]
    begin, was_slow = 0, False
    for place in range(1, len(speeds)):
        before, after = speeds[:place], speeds[place:]
        is_slow = before[-1] < 0.3 * max(before) and after[0] < 0.3 * max(after)
        if is_slow and not was_slow:
            yield run[begin : place + 1]
            begin = place
        was_slow = is_slow
    if speeds:
        yield run[begin:]


def speeds_of(samples: Sequence[Sample]) -> list[float]:
    """Return the speed from sample to sample in px/ms."""
    return [math.hypot(b[1] - a[1], b[2] - a[2]) / milliseconds(a, b) for a, b in pairwise(samples)]


def milliseconds(a: Sample, b: Sample) -> float:
    """Return how long a step took, at least one."""
    return max((b[0] - a[0]) / 1e3, 1.0)


def measures_of(origin: Sample, samples: Sequence[Sample], from_rest: bool) -> Iterator[tuple[str, float]]:
    """Yield what a stroke of ``samples`` measures that set out from ``origin``; nothing if it is short.

    ``from_rest``: the origin is the sample before the stroke's first, else it is that.
    """
    end = samples[-1]
    dx, dy = end[1] - origin[1], end[2] - origin[2]
    straight = math.hypot(dx, dy)
    if straight < 30:
        return
    way = math.hypot(samples[0][1] - origin[1], samples[0][2] - origin[2])
    way += sum(math.hypot(b[1] - a[1], b[2] - a[2]) for a, b in pairwise(samples))
    took = [milliseconds(a, b) for a, b in pairwise(samples)]
    duration = sum(took) + 0.9 * fmean(took)
    yield "path_ratio", max(way / straight, 1.0)
    yield "slowness", duration / (160 + 150 * math.log2((abs(dx) + abs(dy)) / 70 + 1))
    yield "pointer_speed", way / duration * 1000
    yield from bend_of(origin, samples[0 if from_rest else 1 : -1], dx, dy)
    if len(took) >= 3:
        yield from rhythm_of(samples, fmean(took), way / duration**2)


def bend_of(origin: Sample, inner: Sequence[Sample], dx: float, dy: float) -> Iterator[tuple[str, float]]:
    """Yield the arc a·2u(1-u) that fits best, as if it had been seen 5 px flat once, and what it leaves."""
    straight = math.hypot(dx, dy)
    arcs, asides = [], []
    for _, x, y in inner:
        along = ((x - origin[1]) * dx + (y - origin[2]) * dy) / straight**2
        arcs.append(2 * along * (1 - along) * straight)
        asides.append(((y - origin[2]) * dx - (x - origin[1]) * dy) / straight)
    seen = math.fsum(arc**2 for arc in arcs)
    height = math.fsum(arc * aside for arc, aside in zip(arcs, asides, strict=True)) / (seen + 25)
    if seen > 400:
        yield "path_bow", abs(height)
    if len(inner) >= 2:
        left = math.fsum((aside - height * arc) ** 2 for arc, aside in zip(arcs, asides, strict=True))
        yield "path_tremor", math.sqrt(left / (len(inner) - 1))


def rhythm_of(samples: Sequence[Sample], beat: float, pace: float) -> Iterator[tuple[str, float]]:
    """Yield how even the speed is; ``pace``: way over duration squared."""
    speeds = speeds_of(samples)
    accelerations = [(b - a) / beat for a, b in pairwise(speeds)]
    steps = [(b[1] - a[1], b[2] - a[2]) for a, b in pairwise(samples)]
    yield "speed_spread", pstdev(speeds) / (fmean(speeds) + 1e-6)
    yield "acceleration_spread", pstdev(accelerations) / pace
    yield "turns", sum((a[0] * b[0] < 0) + (a[1] * b[1] < 0) for a, b in pairwise(steps)) / len(accelerations)
