"""The features of behaviour that emotions are judged by, each with its meaning and where it comes from.

A feature is the mean of a measure over the windows remembered, or the ratio of two counts. The
sources say that a feature tells something of feelings or of trouble; none gives the numbers in a model.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from pipeline.emotions.columns import Floats

MACKENZIE = "MacKenzie, Kauppinen, Silfverberg, CHI 2001"
NAVALPAKKAM = "Navalpakkam, Churchill, CHI 2012"
HIBBELN = "Hibbeln et al., MIS Quarterly 41(1), 2017"
YAMAUCHI = "Yamauchi, Xiao, Cognitive Science 42, 2018"
PENTEL = "Pentel, UMAP 2015"
CEAPARU = "Ceaparu et al., IJHCI 17(3), 2004"
HUANG = "Huang, White, Dumais, CHI 2011"
LAGUN = "Lagun et al., SIGIR 2014"
SMITH = "Smith, Interacting with Computers 8(4), 1996"
EPP = "Epp, Lippold, Mandryk, CHI 2011"
RODDEN = "Rodden, Fu, Aula, Spiro, CHI 2008"
FITTS = "MacKenzie, Human-Computer Interaction 7, 1992"
POSTHOG = "PostHog, dead clicks"
FULLSTORY = "FullStory, rage clicks, 2013"
NAH = "Nah, Behaviour & Information Technology 23(3), 2004"


MOST_LOG = 50.0
"""Of a measure; exp of it is more than anything that a column holds."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Something with a size, measured whenever it happens.

    Means are of log(value + ``offset``), as times and lengths are skewed; of the value itself where
    ``offset`` is None.
    """

    unit: str
    offset: float | None
    meaning: str
    source: str

    def scaled(self, values: Floats) -> Floats:
        """Return what is averaged."""
        return values if self.offset is None else np.log(np.maximum(values, 0.0) + self.offset)

    def value(self, mean: Floats) -> Floats:
        """Return the values that means stand for."""
        return mean if self.offset is None else np.exp(np.minimum(mean, MOST_LOG)) - self.offset


@dataclass(frozen=True, slots=True)
class Ratio:
    """How often something happened for each ``of``.

    ``prior``: so many of those of an average person are added, lest one event decide.
    """

    happened: str
    of: str
    prior: float
    meaning: str
    source: str


MEASURES: Final = MappingProxyType(
    {
        "path_ratio": Measure("", -0.99, "way of the pointer over the straight line", f"{MACKENZIE}; {NAVALPAKKAM}"),
        "path_bow": Measure("", 0.02, "twice the height of the pointer's arc over its length", MACKENZIE),
        "path_tremor": Measure("px", 0.5, "distance of the pointer's samples from that arc", f"{MACKENZIE}; {PENTEL}"),
        "slowness": Measure("", 0.0, "time of a movement over that by Fitts's law", f"{FITTS}; {HIBBELN}"),
        "pointer_speed": Measure("px/s", 1.0, "speed of the pointer", HIBBELN),
        "speed_spread": Measure(
            "", None, "spread of the speed within a movement, over its mean", f"{PENTEL}; {YAMAUCHI}"
        ),
        "acceleration_spread": Measure("", 0.1, "spread of the acceleration, over length by time squared", YAMAUCHI),
        "turns": Measure(
            "", None, "changes of direction, in x or y, at each sample on the way", f"{MACKENZIE}; {YAMAUCHI}"
        ),
        "settle": Measure("ms", 20.0, "time that the pointer rests before a click", HUANG),
        "pause_after_view": Measure("ms", 0.0, "time before acting on a view or an answer", NAVALPAKKAM),
        "pause": Measure("ms", 0.0, "other pauses, of 1.2 to 20 s", HUANG),
        "scroll_beat": Measure("ms", 0.0, "time between the events of one scroll", LAGUN),
        "scroll_step": Measure("px", 1.0, "distance that a scroll event goes", LAGUN),
        "key_beat": Measure("ms", 0.0, "time between inputs", EPP),
    }
)

RATIOS: Final = MappingProxyType(
    {
        "dead_clicks": Ratio("dead", "tries", 2, "clicks without view, input or answered call in 2.5 s", POSTHOG),
        "double_clicks": Ratio("doubles", "tries", 3, "second clicks at one place within 1 s", CEAPARU),
        "rage_bursts": Ratio("bursts", "tries", 1, "third clicks at one place, each within 1 s", FULLSTORY),
        "repeated_clicks": Ratio("repeats", "clicks", 3, "clicks that repeat the one before", CEAPARU),
        "errors_after_click": Ratio("errors_after_click", "tries", 3, "errors within 2 s after a click", CEAPARU),
        "familiar_clicks": Ratio("familiar", "tries", 2, "clicks on what other screens have too, as menus", SMITH),
        "strokes_per_click": Ratio("strokes", "runs_to_click", 2, "strokes of the pointer", NAVALPAKKAM),
        "clicking_runs": Ratio("runs_to_click", "runs", 2, "runs of the pointer that end in a click", RODDEN),
        "hovering": Ratio("hovers", "moves", 8, "samples of the pointer over an element", HUANG),
        "scroll_reversals": Ratio("reversals", "scrolls", 2, "scrolls that turn around", LAGUN),
        "revisits": Ratio("revisits", "views", 2, "views of a screen seen in the last two minutes: lostness", SMITH),
        "turning_back": Ratio("backs", "views", 2, "views of the screen before the last", SMITH),
        "unasked_views": Ratio("unasked", "views", 1, "views without a click in the 5 s before", SMITH),
        "idling": Ratio("idles", "views", 2, "pauses of 20 s and more", NAVALPAKKAM),
        "empty_windows": Ratio("empty", "views", 2, "windows without any event", NAVALPAKKAM),
        "slow_calls": Ratio("slow_calls", "views", 2, "API calls of more than 500 ms: latency", f"{NAH}; {CEAPARU}"),
        "failed_calls": Ratio("failures", "views", 3, "API calls without response or with the server's error", CEAPARU),
        "refused_calls": Ratio("refusals", "views", 3, "API calls refused as the client's mistake", CEAPARU),
        "errors": Ratio("errors", "views", 3, "JS errors", CEAPARU),
        "clicks_per_view": Ratio("tries", "views", 2, "clicks, a burst counted once", NAVALPAKKAM),
        "scrolls_per_view": Ratio("scrolls", "views", 2, "scrolls", LAGUN),
        "click_rate": Ratio("clicks", "seconds", 15, "clicks", NAVALPAKKAM),
        "view_rate": Ratio("views", "seconds", 15, "views", SMITH),
        "input_rate": Ratio("inputs", "seconds", 15, "inputs", EPP),
        "event_rate": Ratio("acts", "seconds", 15, "events of any kind but errors and API calls", NAVALPAKKAM),
        "move_rate": Ratio("moves", "seconds", 15, "samples of the pointer", NAVALPAKKAM),
    }
)

COUNTS: Final = tuple(
    dict.fromkeys(
        name
        for ratio in RATIOS.values()
        for name in (ratio.happened, ratio.of)
        if name not in ("seconds", "empty")  # of the windows together, not of any one
    )
)

FEATURES: Final = (*MEASURES, *RATIOS)

TROUBLES: Final = ("errors_after_click", "slow_calls", "failed_calls", "refused_calls", "errors")
"""Features of what happens to a person. More of it never makes a model less sure of frustration, so that one more error
or failed or slow call never raises a score."""
