"""Charts of one quantity: latency over time, the spread of scores, emotions."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

import plotly.graph_objects as go

from agents.report.style import AXIS, EMOTIONS, FAIR, GOOD, GREY, PERCENTILES, POOR, bare
from agents.report.texts import NARROW_SPACE, clean, counted, label, milliseconds, number, percent
from pipeline.report import Emotion, LatencyPoint, ScoreBand

POOR_BELOW, GOOD_FROM = 50, 90
"""As Lighthouse colours its scores."""

FEW: Final = 60
"""Points of a line that stand apart; more of them would hide it."""

LONE: Final = 3
"""Points that hardly make a line: they are what is seen."""

MARGIN: Final = 0.02
"""Of the time axis at its ends: the first and the last point would be cut in half there."""

_TIMES: Final = {
    "tickformatstops": [
        {"dtickrange": [None, 86_399_999], "value": "%H:%M\n%-d %b"},
        {"dtickrange": [86_400_000, None], "value": "%-d %b\n%Y"},
    ]
}
_UNIT: Final = {"ticksuffix": f"{NARROW_SPACE}ms", "showticksuffix": "last"}

_APART: Final = {"ticks": "outside", "ticklen": 5, "tickcolor": "rgba(0,0,0,0)"}
"""Keeps an axis' first label away from the other axis'."""


def latency_figures(latency: Sequence[Sequence[LatencyPoint]], step: timedelta) -> list[go.Figure]:
    """Return each endpoint's percentiles over the same time: from the first call to the last of any of them."""
    if not latency:
        return []
    first = min(points[0].at for points in latency)
    last = max(points[-1].at for points in latency) + step
    margin = (last - first) * MARGIN
    return [_latency_figure(points, step, (first - margin, last + margin)) for points in latency]


def _latency_figure(points: Sequence[LatencyPoint], step: timedelta, shown: tuple[datetime, datetime]) -> go.Figure:
    drawn = list(_with_gaps(points, step))
    size = 7 if len(points) <= LONE else 3.5 if len(drawn) <= FEW else 2
    lines = [
        go.Scatter(
            x=[at + step / 2 for at, _ in drawn],
            y=[point and getattr(point, f"{name}_ms") for _, point in drawn],
            customdata=[point and _said(getattr(point, f"{name}_ms"), point.calls) for _, point in drawn],
            name=name,
            mode="lines+markers",
            marker={"size": size},
            cliponaxis=False,
            line={"color": colour, "width": 1.6, "shape": "linear"},
            hovertemplate=f"{name} %{{customdata[0]}}<extra>%{{customdata[1]}}</extra>",
        )
        for name, colour in PERCENTILES
    ]
    return go.Figure(
        lines,
        bare(
            172,
            margin={"l": 56, "r": 12, "t": 8, "b": 36},
            hovermode="x unified",
            xaxis={**AXIS, **_TIMES, "range": shown, "nticks": 4, "showgrid": False, **_APART},
            yaxis={**AXIS, "rangemode": "tozero", "nticks": 5, "tickformat": ",d", **_UNIT},
        ),
    )


def _with_gaps(points: Sequence[LatencyPoint], step: timedelta) -> Iterator[tuple[datetime, LatencyPoint | None]]:
    """Yield the points, and None in each time without calls: no line leads across it."""
    for here, there in zip(points, [*points[1:], None], strict=True):
        yield here.at, here
        if there is not None and there.at - here.at > step:
            yield here.at + step, None


def _said(value_ms: float, calls: int) -> list[str]:
    return [milliseconds(value_ms), counted(calls, "call")]


def score_figure(bands: Sequence[ScoreBand]) -> go.Figure:
    """Return how many sessions have which score."""
    total = sum(band.sessions for band in bands)
    return go.Figure(
        [
            go.Bar(
                x=[(band.lowest + band.highest + 1) / 2 for band in bands],
                y=[band.sessions for band in bands],
                width=[(band.highest - band.lowest + 1) * 0.88 for band in bands],
                marker={"color": [_colour(band.lowest) for band in bands], "line": {"width": 0}},
                customdata=[
                    [
                        f"{band.lowest} to {band.highest}",
                        counted(band.sessions, "session"),
                        percent(band.sessions / total),
                    ]
                    for band in bands
                ],
                text=[number(band.sessions) if band.sessions else "" for band in bands],
                textposition="outside",
                cliponaxis=False,
                hovertemplate="score %{customdata[0]}<br>%{customdata[1]}, %{customdata[2]}<extra></extra>",
            )
        ],
        bare(
            230,
            margin={"l": 60, "r": 8, "t": 20, "b": 36},
            xaxis={**AXIS, "range": [0, 101], "dtick": 10, "showgrid": False, **_APART, "title": {"text": "score"}},
            yaxis={
                **{**AXIS, "rangemode": "tozero", "nticks": 5, "tickformat": ",d", "title": {"text": "sessions"}},
                **_whole(max(band.sessions for band in bands)),
            },
        ),
    )


def emotion_shares(emotions: Sequence[Emotion]) -> list[tuple[str, float, str]]:
    """Return the emotions with their shares of all judged windows, and colours."""
    total = sum(emotion.windows for emotion in emotions)
    named = [(clean(emotion.emotion), emotion.windows / total) for emotion in emotions]
    return [(name, share, EMOTIONS.get(name, GREY)) for name, share in named]


def emotion_figure(emotions: Sequence[Emotion]) -> go.Figure:
    """Return one bar of all judged windows, each emotion as long as its share."""
    parts = [
        go.Bar(
            x=[share],
            y=[0],
            orientation="h",
            marker={"color": colour, "line": {"width": 0}},
            customdata=[[label(name), number(emotion.windows), number(emotion.sessions), percent(emotion.confidence)]],
            hovertemplate="%{customdata[0]}: %{customdata[1]} windows in %{customdata[2]} sessions<br>"
            "mean confidence %{customdata[3]}<extra></extra>",
        )
        for (name, share, colour), emotion in zip(emotion_shares(emotions), emotions, strict=True)
    ]
    return go.Figure(
        parts,
        bare(
            40,
            barmode="stack",
            bargap=0,
            margin={"l": 0, "r": 0, "t": 4, "b": 8},
            xaxis={**AXIS, "visible": False, "range": [0, 1]},
            yaxis={**AXIS, "visible": False},
        ),
    )


def _whole(most: int) -> dict[str, int]:
    """Return what keeps an axis of so few things from counting parts of them."""
    return {"dtick": 1} if most < 5 else {}


def _colour(lowest: int) -> str:
    return POOR if lowest < POOR_BELOW else FAIR if lowest < GOOD_FROM else GOOD
