"""How the charts of a report look: colours that stand out on white and on near-black, and a layout without ornament.

Text, axes and grid have no colour here: the page's style sheet gives them one that suits light, dark and paper.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import plotly.graph_objects as go

from agents.report.texts import NARROW_SPACE

FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif"

SERIES: Final = ("#3f83d1", "#e0882e", "#2ea37a", "#9a6bd1", "#d2567f", "#3aa5b8", "#a8883a", "#93b23c")
GREY: Final = "#8d95a3"
GOOD: Final = "#2ea37a"
FAIR: Final = "#e0a02e"
POOR: Final = "#d9534f"

PERCENTILES: Final = (("p50", GREY), ("p95", "#3f83d1"), ("p99", "#d9534f"))

EMOTIONS: Final = MappingProxyType(
    {"engaged": GOOD, "neutral": GREY, "bored": "#7181d8", "confused": FAIR, "frustrated": POOR}
)

HEAT: Final = (
    (0.0, "rgba(255, 196, 61, 0)"),
    (0.04, "rgba(255, 196, 61, 0.45)"),
    (0.3, "rgba(251, 140, 45, 0.8)"),
    (0.65, "rgba(226, 61, 52, 0.92)"),
    (1.0, "rgba(150, 12, 60, 1)"),
)

OUTLINE: Final = "rgba(128, 136, 150, 0.9)"
FAINT: Final = "rgba(128, 136, 150, 0.45)"
PAPER: Final = "rgba(128, 136, 150, 0.07)"

AXIS: Final[Mapping[str, Any]] = MappingProxyType(
    {"showline": False, "zeroline": False, "ticks": "", "fixedrange": True, "gridwidth": 1}
)


def faded(colour: str, opacity: float) -> str:
    """Return ``#rrggbb`` as Plotly's colour of this opacity."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"


def bare(height: int, **more: Any) -> go.Layout:
    """Return a layout of nothing but what is asked for, on whatever is beneath."""
    wanted: dict[str, Any] = {
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 11},
        "hoverlabel": {"font": {"family": FONT, "size": 12}, "align": "left"},
        "showlegend": False,
        "template": go.layout.Template(),
        "dragmode": False,
        "separators": f".{NARROW_SPACE}",
    }
    return go.Layout(wanted | more)
