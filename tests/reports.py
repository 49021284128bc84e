"""Reports to draw: an ordinary day, nothing, one session, more screens than fit, names that mean harm."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from pipeline.report import (
    ERROR,
    RAGE_CLICK,
    SCREEN,
    Cell,
    Depth,
    Emotion,
    Endpoint,
    ErrorGroup,
    Headlines,
    HotSpot,
    LatencyPoint,
    Mark,
    Move,
    Period,
    Report,
    ScoreBand,
    ScoreCause,
    ScreenMap,
    SessionLine,
)

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC).replace(tzinfo=None)
DAY = Period(NOON, NOON + timedelta(days=1))

HEADLINES = Headlines(1200, 310, 54_321, 4000, 60, 84, 9000, 45, 812.4, 91.5, 0)
NO_HEADLINES = Headlines(0, 0, 0, 0, 0, 0, 0, 0, None, None, 0)

EMPTY = Report(DAY, NO_HEADLINES, NO_HEADLINES, [], [], [], [], [], [], [], [], [], [])

HOSTILE = [
    "<script>window.hacked = 1</script>",
    "</script><script>window.hacked = 1</script>",
    "<img src=https://a.example/x onerror=window.hacked=1>",
    "'\" onmouseover=window.hacked=1 style='position:fixed;inset:0'",
    '<a href="javascript:window.hacked=1">click</a>',
    "<b>bold</b><br><i>not</i>",
    "&lt;b&gt;",
    "%{customdata[0]} %{x} {{ 7 * 7 }} {% raw %}",
    "$\\frac{1}{2}$",
    "-->]]><!--",
    "\u202eexe.txt \u2066 مرحبا بالعالم",
    "\x01\x1b[2J two\nlines\u2028",
    "W" * 255,
    "界" * 255,
    "a b " * 60,
    "",
]
"""Names as trackers might send them, or somebody who knows that they are shown."""


def screen_map(name: str = "/cart", device_class: str | None = "desktop") -> ScreenMap:
    """Return a screen whose clicks are where its fold is, and which half of the sessions saw half of."""
    cells = [Cell(32, 20, 40), Cell(33, 20, 20), Cell(0, 0, 3), Cell(63, 99, 1)]
    depths = [Depth(px, 100 - px // 20, 1 - px / 2000) for px in range(0, 2000, 100)]
    return ScreenMap(name, device_class, 100, 64, 1280, 720, 64, 20, cells, depths)


def session(number: int = 1, names: tuple[str, ...] = ("/", "/cart")) -> SessionLine:
    """Return a session of a minute on each of these screens, each with a rage click, at its end an error."""
    marks = [
        mark
        for place, name in enumerate(names)
        for mark in (Mark(SCREEN, place * 60_000, name), Mark(RAGE_CLICK, place * 60_000 + 30_000, name))
    ]
    marks.append(Mark(ERROR, len(names) * 60_000, names[-1]))
    count = len(names)
    return SessionLine(
        UUID(int=number),
        NOON,
        count * 60_000,
        "desktop",
        count,
        40,
        count,
        1,
        40 + number % 60,
        "confused",
        True,
        marks,
    )


def report_of(names: list[str]) -> Report:
    """Return a report in which each of these is the name of everything."""
    pairs = [*pairwise(names), (names[-1], names[0])]
    return Report(
        period=DAY,
        headlines=HEADLINES,
        before=replace(HEADLINES, rage_clicks=30, p95_ms=900.0, sessions=1201),
        screens=[screen_map(name, name) for name in names],
        moves=[Move(step, here, there, 9) for step in (1, 2, 3) for here, there in pairs]
        + [Move(2, name, None, 4) for name in names],
        endpoints=[Endpoint(name, 100, 3, 80.0, 200.0, 1900.0, 0.5 + place / 1000) for place, name in enumerate(names)],
        latency=[
            LatencyPoint(name, NOON + quarter * DAY.step, 10, 1, 80.0, 200.0 + quarter, 1900.0)
            for name in names
            for quarter in range(5)
        ],
        hot_spots=[HotSpot(name, name, 7, 4.25, 5, 0.05) for name in names],
        errors=[ErrorGroup(name, f"{name}\n  at {name}", 9, 4, 3, name, NOON) for name in names],
        scores=[ScoreBand(20, 29, 3), ScoreBand(70, 79, 20), ScoreBand(90, 100, 200)],
        causes=[ScoreCause("js_error", 30, 70, 300), *(ScoreCause(name, 3, 7, 30) for name in names)],
        emotions=[Emotion("neutral", 50, 40, 0.9), *(Emotion(name, 5, 4, 0.8) for name in names)],
        sessions=[session(number, (name, "/", name)) for number, name in enumerate(names)],
    )


ORDINARY = report_of(["/", "/cart", "/search", "/help"])
ONE_SESSION = replace(
    EMPTY,
    headlines=Headlines(1, 0, 3, 1, 0, 0, 1, 0, 12.0, None, 0),
    screens=[replace(screen_map(), sessions=1, clicks=1, cells=[Cell(5, 5, 1)], depths=[Depth(0, 1, 1.0)])],
    moves=[Move(1, "/", None, 1)],
    endpoints=[Endpoint("/api", 1, 0, 12.0, 12.0, 12.0, 1.0)],
    latency=[LatencyPoint("/api", NOON, 1, 0, 12.0, 12.0, 12.0)],
    emotions=[Emotion("neutral", 1, 1, 0.5)],
    scores=[ScoreBand(90, 100, 1)],
    sessions=[replace(session(), duration_ms=0, score=None, emotion=None, device=None, marks=[Mark(SCREEN, 0, "/")])],
)
CROWDED = replace(ORDINARY, moves=report_of([f"/product/{number}" for number in range(300)]).moves)
HARMFUL = report_of(HOSTILE)
