"""How strangers' texts and our numbers are written in a report.

Names come from trackers: anything may be in them. HTML is escaped by the template; what is here takes away what would
act on the text around it, and writes for Plotly, which reads tags and entities in every label.
"""

import re
from datetime import datetime, timedelta
from html import escape
from textwrap import wrap
from typing import Final

_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]+")
_DIRECTIONS: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""They turn the text after them around; each text is isolated instead."""

NARROW_SPACE: Final = "\u202f"
LINE: Final = 60
ELLIPSIS: Final = "…"
DASH: Final = "\u2013"
TIMES: Final = "\u00d7"
_ISOLATED: Final = "\u2068{}\u2069"


def clean(text: str | None, missing: str = "(none)") -> str:
    """Return a name as it may stand in a page: one line, without what steers a terminal or turns text around."""
    cleaned = _DIRECTIONS.sub("", _CONTROLS.sub(" ", text or "")).strip()
    return cleaned or missing


def short(text: str, most: int) -> str:
    """Return at most so many characters of ``text``: the start and the end, where names differ."""
    if len(text) <= most:
        return text
    tail = most // 3
    return text[: most - tail - 1] + ELLIPSIS + text[len(text) - tail :]


def label(text: str, most: int = 28) -> str:
    """Return a clean text as a label of Plotly's: short, no tags, and turned around by nothing beside it."""
    return escape(_ISOLATED.format(short(text, most)), quote=False)


def wrapped(text: str) -> str:
    """Return all of a clean text as a label of Plotly's, in lines."""
    return "<br>".join(label(line, LINE) for line in wrap(text, LINE))


def number(value: float, digits: int = 0) -> str:
    """Return a number with its thousands apart."""
    return f"{value:,.{digits}f}".replace(",", NARROW_SPACE)


def percent(share: float) -> str:
    """Return a share from 0 to 1 in percent; a small one is never written as none, nor a great one as all."""
    if 0 < share < 0.001:
        return f"<0.1{NARROW_SPACE}%"
    digits = 1 if share < 0.0995 or 0.995 <= share < 1 else 0
    shown = min(share, 0.999) if share < 1 else share
    return f"{shown * 100:.{digits}f}{NARROW_SPACE}%"


def milliseconds(value: float) -> str:
    """Return a latency in its usual unit."""
    if round(value) < 1000:
        return f"{value:.0f}{NARROW_SPACE}ms"
    return f"{value / 1000:.{1 if value < 100_000 else 0}f}{NARROW_SPACE}s"


def duration(value_ms: float) -> str:
    """Return how long something took, as on a clock."""
    seconds = round(value_ms / 1000)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    if hours >= 48:
        return f"{hours // 24}{NARROW_SPACE}d{NARROW_SPACE}{hours % 24}{NARROW_SPACE}h"
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


def length(of: timedelta) -> str:
    """Return a round time in words: in its largest unit."""
    for unit, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if of.total_seconds() >= unit:
            return counted(round(of.total_seconds() / unit), name)
    return counted(round(of.total_seconds()), "second")


def day_and_time(at: datetime) -> str:
    """Return a moment to the minute."""
    return f"{at.day} {at:%b %Y, %H:%M}"


def period(start: datetime, end: datetime) -> str:
    """Return from when to when, the day once where it is one."""
    until = f"{end:%H:%M}" if start.date() == end.date() else day_and_time(end)
    return f"{day_and_time(start)} {DASH} {until}"


def counted(number_of: int, one: str) -> str:
    """Return a number of things with their name."""
    return f"{number(number_of)} {one}{'' if number_of == 1 else 's'}"


def lines(text: str, most: int) -> str:
    """Return the first lines of a text, each as it may stand in a page."""
    kept = text.splitlines()[:most]
    return "\n".join(short(clean(line, ""), 200) for line in kept)
