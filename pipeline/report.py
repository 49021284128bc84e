"""What a report of a period says, as values: no database, no drawing. Times are UTC, without an offset as in tables.

All names, messages and ids in here were written by strangers. Who a session was of is left out: a report is passed on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

STEPS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=7),
    timedelta(days=28),
)
"""How far apart a chart's points may be; latency is kept by the minute."""

MOST_POINTS = 180
"""In a line: more than that cannot be told apart where six charts share a page."""


LARGEST_PX = 100_000
"""No window is larger; ``analytics.scroll_depths`` ends there, too."""


@dataclass(frozen=True, slots=True)
class Period:
    """The time in [start, end)."""

    start: datetime
    end: datetime

    @property
    def before(self) -> "Period":
        """The period of the same length that ends where this one starts."""
        return Period(self.start - (self.end - self.start), self.start)

    @property
    def step(self) -> timedelta:
        """How far apart the points of a line are: the finest that leaves it readable."""
        return next((step for step in STEPS if (self.end - self.start) / step <= MOST_POINTS), STEPS[-1])


@dataclass(frozen=True, slots=True)
class Headlines:
    """The figures that come first.

    ``people`` are those whom a session named; None is a figure of nothing. Of ``incomplete`` sessions retention has
    removed something, which the other figures lack.
    """

    sessions: int
    people: int
    events: int
    clicks: int
    rage_clicks: int
    sessions_with_errors: int
    calls: int
    failed_calls: int
    p95_ms: float | None
    median_score: float | None
    incomplete: int


@dataclass(frozen=True, slots=True)
class Cell:
    """Clicks in a cell of a heatmap's grid, counted from the top left."""

    column: int
    row: int
    clicks: int


@dataclass(frozen=True, slots=True)
class Depth:
    """How many sessions, and which share of them, saw a document down to ``depth_px``."""

    depth_px: int
    sessions: int
    share: float


@dataclass(frozen=True, slots=True)
class ScreenMap:
    """A screen on one class of devices: its size, where people click, how far down they get.

    A cell is ``1 / columns`` of the viewport's width wide and ``cell_px`` high.
    """

    screen_name: str
    device_class: str | None
    sessions: int
    clicks: int
    viewport_width: int
    viewport_height: int
    columns: int
    cell_px: int
    cells: Sequence[Cell]
    depths: Sequence[Depth]


@dataclass(frozen=True, slots=True)
class Move:
    """Sessions that went from one screen, their ``step``-th, to another as their next; None as ``to`` left there."""

    step: int
    from_screen: str
    to_screen: str | None
    sessions: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint's calls over the whole period."""

    api_endpoint: str
    calls: int
    errors: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    apdex: float


@dataclass(frozen=True, slots=True)
class LatencyPoint:
    """An endpoint's calls in the step that starts at ``at``."""

    api_endpoint: str
    at: datetime
    calls: int
    errors: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class HotSpot:
    """An element that people clicked in rage, and the share of the screen's sessions in which they did."""

    screen_name: str | None
    element_id: str | None
    rage_clicks: int
    mean_clicks: float | None
    sessions: int
    share: float | None


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Errors that are one, by what they say and where they come from; ``stack`` and ``screen`` are the last one's."""

    message: str | None
    stack: str | None
    times: int
    sessions: int
    screens: int
    screen: str | None
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class ScoreBand:
    """Sessions whose score is from ``lowest`` to ``highest``."""

    lowest: int
    highest: int
    sessions: int


@dataclass(frozen=True, slots=True)
class ScoreCause:
    """What cost sessions points."""

    code: str
    sessions: int
    occurrences: int
    points: int


@dataclass(frozen=True, slots=True)
class Emotion:
    """Windows of half a minute that were judged to be of one emotion."""

    emotion: str
    windows: int
    sessions: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Mark:
    """Something in a session: a screen that it came to, a rage click or an error, so long after its start."""

    kind: str
    after_ms: int
    label: str | None


SCREEN, RAGE_CLICK, ERROR = "screen", "rage_click", "error"
"""The kinds of marks."""


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A session, with its marks in order of time; None is what is not known, or not yet."""

    session_id: UUID
    start_time: datetime
    duration_ms: int | None
    device: str | None
    screens: int | None
    events: int
    rage_clicks: int | None
    errors: int | None
    score: int | None
    emotion: str | None
    recorded: bool
    marks: Sequence[Mark]


@dataclass(frozen=True, slots=True)
class Report:
    """All of it, each list with what matters most first."""

    period: Period
    headlines: Headlines
    before: Headlines
    screens: Sequence[ScreenMap]
    moves: Sequence[Move]
    endpoints: Sequence[Endpoint]
    latency: Sequence[LatencyPoint]
    hot_spots: Sequence[HotSpot]
    errors: Sequence[ErrorGroup]
    scores: Sequence[ScoreBand]
    causes: Sequence[ScoreCause]
    emotions: Sequence[Emotion]
    sessions: Sequence[SessionLine]
