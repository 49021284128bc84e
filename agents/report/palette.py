"""Which screens have a colour of their own: the same one wherever a report shows them."""

from collections import Counter
from collections.abc import Iterable
from itertools import chain
from typing import Final

from agents.report.texts import clean
from pipeline.report import SCREEN, Move, SessionLine

MOST_COLOURS: Final = 8
"""As many as can be told apart; all other screens are grey."""


def screen_colours(moves: Iterable[Move], sessions: Iterable[SessionLine]) -> dict[str, int]:
    """Return the place in the series of each such screen: first what most journeys saw."""
    journeys: Counter[str] = Counter()
    for move in moves:
        for name in {move.from_screen, move.to_screen} - {None}:
            journeys[clean(name)] += move.sessions
    others = Counter(
        name
        for session in sessions
        for name in {clean(mark.label) for mark in session.marks if mark.kind == SCREEN}
        if name not in journeys
    )
    return {name: place for place, name in enumerate(list(chain(_busiest(journeys), _busiest(others)))[:MOST_COLOURS])}


def _busiest(seen: Counter[str]) -> list[str]:
    return sorted(seen, key=lambda name: (-seen[name], name))
