"""The geometry of a hand: how a pointer travels, how a page scrolls, how fast clicks follow.

Plain numbers in and out; who moves, and why, is decided elsewhere.
"""

import math
from collections.abc import Iterator
from random import Random
from typing import Final

# Fitts's law, time = a + b · log2(distance / width + 1), with common values for a mouse.
_FITTS_A_MS: Final = 160.0
_FITTS_B_MS: Final = 150.0
# Gaps of double clicks as measured on ordinary work: 100 to 299 ms.
DOUBLE_GAP_MS: Final = (100, 299)


def travel_ms(distance: float, width: float, speed: float) -> float:
    """Return how long a movement takes; a faster hand divides the time."""
    return (_FITTS_A_MS + _FITTS_B_MS * math.log2(distance / max(width, 1.0) + 1)) / speed


def glide(
    rng: Random,
    start: tuple[int, int],
    end: tuple[int, int],
    *,
    duration_ms: float,
    every_ms: int,
    bow: float,
    jitter: float,
) -> Iterator[tuple[int, int, int]]:
    """Yield milliseconds since the start, x and y of each sample; the last one is the end itself.

    The path is a quadratic curve bent aside by `bow` of its length; along it the pointer has the
    bell-shaped speed of a minimum-jerk movement (Flash and Hogan 1985).
    """
    (x0, y0), (x2, y2) = start, end
    bend = rng.gauss(0.0, bow)
    x1 = (x0 + x2) / 2 - (y2 - y0) * bend
    y1 = (y0 + y2) / 2 + (x2 - x0) * bend
    at_ms = every_ms * (0.5 + rng.random())
    while at_ms < duration_ms - every_ms / 2:
        u = at_ms / duration_ms
        s = u * u * u * (10 - 15 * u + 6 * u * u)
        r = 1 - s
        x = r * r * x0 + 2 * r * s * x1 + s * s * x2 + rng.gauss(0.0, jitter)
        y = r * r * y0 + 2 * r * s * y1 + s * s * y2 + rng.gauss(0.0, jitter)
        yield int(at_ms), int(x), int(y)
        at_ms += every_ms * (0.9 + 0.4 * rng.random())
    yield int(duration_ms), x2, y2


def point_in(rng: Random, low: int, high: int) -> int:
    """Draw a coordinate inside a box's side, more often near its middle."""
    return low + int((high - low + 1) * (rng.random() + rng.random()) / 2)


def rage_gaps(rng: Random) -> list[int]:
    """Draw the milliseconds between the clicks of a burst: 4 to 9 clicks, three of them within a second."""
    return [100, *(90 + min(int(rng.expovariate(1 / 90)), 330) for _ in range(rng.randint(2, 7)))]


def scroll_steps(rng: Random, start: int, end: int, speed: float) -> Iterator[tuple[int, int]]:
    """Yield milliseconds since the start and the position of each scroll event, slowing to the end."""
    steps = min(1 + abs(end - start) // 300, 4)
    at_ms = 0.0
    for step in range(1, steps + 1):
        at_ms += (90 + 160 * rng.random()) / speed
        left = (1 - step / steps) ** 2
        yield int(at_ms), round(end + (start - end) * left)
