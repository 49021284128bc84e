"""A screen as people saw it: its document to scale, the viewport's frame and fold, clicks, and how far down they got.

Its width is that of the viewport which most clicks came from: those from other sizes lie at the same share of it.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from agents.report.style import AXIS, FAINT, HEAT, OUTLINE, PAPER, SERIES, bare, faded
from agents.report.texts import NARROW_SPACE, number, percent
from pipeline.report import LARGEST_PX, ScreenMap

WIDEST: Final = 188
TALLEST: Final = 460
"""Of the drawn document, in CSS pixels: three side by side, and one whole on a page of paper."""

LEFT, RIGHT, TOP, BOTTOM = 48, 24, 30, 22
GAP, STRIP = 12, 44
"""Between the map and the strip that says how far down people got, and that strip's width."""

SEEN_BY: Final = 0.05
"""Of a document what this share of its sessions saw, or clicked in, is drawn: one endless scroll would flatten it."""

SPREAD: Final = 1.1
"""Standard deviation of a click's blur, in cells: about a button's height."""

BLUR: Final = 4
"""How far that reaches, in cells."""

_UNIT: Final = {"ticksuffix": f"{NARROW_SPACE}px", "showticksuffix": "last"}


@dataclass(frozen=True, slots=True)
class _Scale:
    """A document's size on the page."""

    document_px: int
    per_px: float

    @property
    def height(self) -> int:
        return max(1, round(self.document_px * self.per_px))


def screen_figure(screen: ScreenMap) -> go.Figure:
    """Return the map of a screen, to scale."""
    scale = _scale(screen)
    width = max(60, round(screen.viewport_width * scale.per_px))
    inner = width + GAP + STRIP
    layout = bare(
        scale.height + TOP + BOTTOM,
        width=inner + LEFT + RIGHT,
        margin={"l": LEFT, "r": RIGHT, "t": TOP, "b": BOTTOM},
        xaxis={**AXIS, "domain": [0, width / inner], "range": [0, 1], "visible": False},
        xaxis2={
            **AXIS,
            "domain": [(width + GAP) / inner, 1],
            "range": [0, 1.03],
            "tickvals": [0, 1],
            "ticktext": ["0", f"100{NARROW_SPACE}%"],
            "showgrid": False,
        },
        yaxis={**AXIS, "range": [scale.document_px, 0], "nticks": 8, "showgrid": False, "tickformat": ",d", **_UNIT},
        shapes=_outline(screen, scale.document_px),
        annotations=_notes(screen),
    )
    return go.Figure([_heat(screen, scale.document_px), _reach(screen, scale.document_px)], layout)


def document_height(screen: ScreenMap) -> int:
    """Return how much of the document is drawn, in its own pixels."""
    seen = [depth.depth_px for depth in screen.depths if depth.share >= SEEN_BY]
    clicked = [(cell.row + 1) * screen.cell_px for cell in screen.cells if cell.clicks > screen.clicks / 1000]
    return min(max([1, screen.viewport_height, *seen, *clicked]), LARGEST_PX)


def half_reach(screen: ScreenMap) -> int:
    """Return how far down half of the sessions got, in pixels."""
    return max((depth.depth_px for depth in screen.depths if depth.share >= 0.5), default=0)


def hottest(screen: ScreenMap) -> int:
    """Return the clicks in the cell with most."""
    return max((cell.clicks for cell in screen.cells), default=0)


def above_the_fold(screen: ScreenMap) -> float:
    """Return the share of clicks that went to what is seen without scrolling."""
    above = sum(cell.clicks for cell in screen.cells if cell.row * screen.cell_px < screen.viewport_height)
    return above / max(1, sum(cell.clicks for cell in screen.cells))


def _scale(screen: ScreenMap) -> _Scale:
    document_px = document_height(screen)
    return _Scale(document_px, min(WIDEST / max(1, screen.viewport_width), TALLEST / document_px))


def _heat(screen: ScreenMap, document_px: int) -> go.Heatmap:
    lowest = max((cell.row for cell in screen.cells), default=0)
    rows = min(document_px // screen.cell_px, lowest + BLUR) + 1
    counted = np.zeros((rows, screen.columns), np.uint32)
    for cell in screen.cells:
        if cell.row < rows:
            counted[cell.row, cell.column] += cell.clicks
    blurred = np.sqrt(_blurred(counted.astype(np.float64)))
    hottest = float(blurred.max(initial=0)) or 1.0
    return go.Heatmap(
        z=(blurred / hottest).round(3).astype(np.float32),
        customdata=counted,
        x0=0.5 / screen.columns,
        dx=1 / screen.columns,
        y0=screen.cell_px / 2,
        dy=screen.cell_px,
        zmin=0,
        zmax=1,
        zsmooth="best",
        colorscale=[list(stop) for stop in HEAT],
        showscale=False,
        hovertemplate="%{y:,d} px down<br>%{customdata} clicks<extra></extra>",
    )


def _blurred(counted: NDArray[np.float64]) -> NDArray[np.float64]:
    reach = np.arange(-BLUR, BLUR + 1)
    weights = np.exp(-(reach**2) / (2 * SPREAD**2))
    weights /= weights.sum()
    for axis in (0, 1):
        counted = np.apply_along_axis(np.convolve, axis, np.pad(counted, BLUR), weights, "same")[BLUR:-BLUR, BLUR:-BLUR]
    return counted


def _reach(screen: ScreenMap, document_px: int) -> go.Scatter:
    depths = [depth for depth in screen.depths if depth.depth_px <= document_px]
    return go.Scatter(
        x=[depth.share for depth in depths],
        y=[depth.depth_px for depth in depths],
        customdata=[[percent(depth.share), number(depth.sessions)] for depth in depths],
        xaxis="x2",
        fill="tozerox",
        fillcolor=faded(SERIES[0], 0.28),
        line={"color": SERIES[0], "width": 1.5, "shape": "linear"},
        mode="lines",
        hovertemplate="%{customdata[0]} (%{customdata[1]} sessions)<br>saw %{y:,d} px<extra></extra>",
    )


def _outline(screen: ScreenMap, document_px: int) -> list[dict[str, Any]]:
    """Return the document, a window's frame around what is seen first, and the fold."""
    on_map: dict[str, Any] = {"type": "rect", "xref": "x", "yref": "y", "x0": 0, "x1": 1, "y0": 0}
    bar = {"type": "rect", "xref": "x", "x0": 0, "x1": 1, "yref": "paper", "yanchor": 1, "ysizemode": "pixel"}
    dots = [
        {
            "type": "circle",
            "xref": "x",
            "xsizemode": "pixel",
            "xanchor": 0,
            "yref": "paper",
            "ysizemode": "pixel",
            "yanchor": 1,
            "x0": left,
            "x1": left + 5,
            "y0": 5,
            "y1": 10,
            "line": {"width": 0},
            "fillcolor": OUTLINE,
        }
        for left in (6, 14, 22)
    ]
    return [
        {**on_map, "y1": document_px, "line": {"color": FAINT, "width": 1}, "fillcolor": PAPER, "layer": "below"},
        {**bar, "y0": 0, "y1": 15, "line": {"color": OUTLINE, "width": 1.5}, "fillcolor": PAPER},
        *dots,
        {**on_map, "y1": screen.viewport_height, "line": {"color": OUTLINE, "width": 1.5}},
        {
            **{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y"},
            **{"y0": screen.viewport_height, "y1": screen.viewport_height},
            "line": {"color": OUTLINE, "width": 1, "dash": "dot"},
        },
    ]


def _notes(screen: ScreenMap) -> list[dict[str, Any]]:
    fold = {"text": "fold", "xref": "x2", "x": 0.5, "y": screen.viewport_height, "yanchor": "bottom"}
    seen = {"text": "seen by", "xref": "x2", "x": 0, "xanchor": "left", "yref": "paper", "y": 1, "yanchor": "bottom"}
    return [{"showarrow": False, "font": {"size": 10}, **note} for note in (fold, seen)]
