"""A session as a bar: its screens side by side, each as long as it was looked at, with rage clicks and errors on it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from agents.report.texts import clean, duration
from pipeline.report import ERROR, RAGE_CLICK, SCREEN, Mark, SessionLine

ROOM: Final = 1.02
"""A bar ends a little after the last mark, which would hang over its edge."""

_KINDS: Final = {RAGE_CLICK: "rage click", ERROR: "error"}


@dataclass(frozen=True, slots=True)
class Segment:
    """A stay on a screen: where it begins and how long it is, in percent of the bar; ``colour`` None is grey."""

    left: float
    width: float
    colour: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Sign:
    """A rage click or an error: where it is, in percent of the bar."""

    left: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """A session with what its bar shows."""

    session: SessionLine
    segments: Sequence[Segment]
    signs: Sequence[Sign]

    @property
    def said(self) -> str:
        """All of it in words, for who does not see it."""
        screens = ", ".join(segment.text for segment in self.segments)
        signs = ", ".join(sign.text for sign in self.signs)
        return "; ".join(part for part in (screens, signs) if part) or "nothing is known of it"


def timeline(session: SessionLine, colour_of: Mapping[str, int]) -> Timeline:
    """Return a session's bar."""
    length = max(session.duration_ms or 1, 1, *(mark.after_ms for mark in session.marks))
    per_ms = 100 / (length * ROOM)
    return Timeline(
        session,
        [
            Segment(
                _within(here.after_ms * per_ms),
                max(0.0, (there - here.after_ms) * per_ms),
                colour_of.get(clean(here.label)),
                f"{clean(here.label)} at {duration(here.after_ms)}",
            )
            for here, there in _stays(session.marks, round(length * ROOM))
        ],
        [Sign(_within(mark.after_ms * per_ms), mark.kind, _of(mark)) for mark in session.marks if mark.kind in _KINDS],
    )


def _screens(marks: Iterable[Mark]) -> list[Mark]:
    return [mark for mark in marks if mark.kind == SCREEN]


def _stays(marks: Sequence[Mark], end_ms: int) -> list[tuple[Mark, int]]:
    screens = _screens(marks)
    if not screens:
        return []
    return [(here, there.after_ms) for here, there in pairwise(screens)] + [(screens[-1], end_ms)]


def _within(percent: float) -> float:
    return min(100.0, max(0.0, percent))


def _of(mark: Mark) -> str:
    about = f": {clean(mark.label)}" if mark.label else ""
    return f"{_KINDS[mark.kind]} at {duration(mark.after_ms)}{about}"
