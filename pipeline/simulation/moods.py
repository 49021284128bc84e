"""What a mood does to behaviour: the truth that the messages never state.

The directions follow the literature on emotion from the mouse (Navalpakkam and Churchill 2012;
Pentel 2015): frustrated people are fast, jerky and click again, confused people wander and turn
back, bored people are slow and aimless. The sizes are choices: people of two moods overlap in
each habit, and mostly differ in all of them together.
"""

import math
from dataclasses import dataclass, fields
from enum import StrEnum
from random import Random
from typing import Final


class Mood(StrEnum):
    """How a person feels during one session."""

    CALM = "calm"
    ENGAGED = "engaged"
    BORED = "bored"
    CONFUSED = "confused"
    FRUSTRATED = "frustrated"


@dataclass(frozen=True, slots=True)
class Temper:
    """One person's habits; times are relative to a calm person, the others chances or sizes.

    Attributes:
        pages: Mean number of pages in a session.
        deeds: Mean number of things done on a page before leaving it.
        speed: Of the hand; 2 halves the time of every movement.
        reading: Relative length of the pauses.
        bow: Bend of a pointer path, as a share of its length.
        jitter: Standard deviation of the pointer, in pixels.
        wander: Chance of a detour before reaching a target.
        reversal: Chance that a scroll turns around.
        back: Chance of going back instead of on.
        lost: Chance of leaving by the menu instead of a link that leads somewhere.
        futile: Chance per page of clicking what does nothing.
        rage: Chance that a futile click becomes a burst.
        double: Chance that a click is a double click.
        idle: Chance per page of a long pause.
    """

    pages: float
    deeds: float
    speed: float
    reading: float
    bow: float
    jitter: float
    wander: float
    reversal: float
    back: float
    lost: float
    futile: float
    rage: float
    double: float
    idle: float


# fmt: off
TEMPERS: Final = {
    #                       pages deeds speed read  bow   jit   wander revers back  lost  futile rage double idle
    Mood.CALM:       Temper(6.0,  2.0,  1.00, 1.00, 0.12, 2.0,  0.15,  0.08,  0.08, 0.10, 0.03, 0.00, 0.05, 0.04),
    Mood.ENGAGED:    Temper(8.0,  2.5,  1.50, 1.60, 0.04, 0.8,  0.05,  0.02,  0.02, 0.02, 0.01, 0.00, 0.05, 0.02),
    Mood.BORED:      Temper(4.0,  1.3,  0.50, 0.50, 0.40, 3.5,  0.65,  0.16,  0.16, 0.50, 0.03, 0.00, 0.04, 0.40),
    Mood.CONFUSED:   Temper(7.0,  2.1,  0.75, 1.40, 0.45, 6.0,  0.80,  0.55,  0.45, 0.75, 0.45, 0.00, 0.08, 0.06),
    Mood.FRUSTRATED: Temper(8.0,  2.0,  1.90, 0.40, 0.18, 10.0, 0.35,  0.35,  0.30, 0.35, 0.90, 0.75, 0.06, 0.03),
}
# fmt: on

INDIVIDUALITY: Final = 0.22
"""Standard deviation of the logarithm of a person's own factor: people of one mood differ by a fifth."""

_CHANCES: Final = frozenset({"wander", "reversal", "back", "lost", "futile", "rage", "double", "idle"})


def temper_of(mean: Temper, spread: float, rng: Random) -> Temper:
    """Draw habits scattered around ``mean``, each by its own factor; the logarithms of those spread by ``spread``."""
    values: dict[str, float] = {}
    for each in fields(Temper):
        value = getattr(mean, each.name) * math.exp(rng.gauss(0.0, spread))
        values[each.name] = min(value, 0.9) if each.name in _CHANCES else value
    return Temper(**values)
