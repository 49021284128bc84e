"""Puts a report together as one HTML file that asks for nothing: no script, style, font or picture from elsewhere.

A Content-Security-Policy forbids it the network, and lets only its own two scripts run, named by their digests: what a
stranger's text might smuggle in past the escaping would still not run.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, Final

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from agents.report import texts
from agents.report.charts import GOOD_FROM, POOR_BELOW, emotion_figure, emotion_shares, latency_figures, score_figure
from agents.report.findings import CAUSES, findings, tiles
from agents.report.journeys import journey_figure
from agents.report.palette import screen_colours
from agents.report.screens import above_the_fold, half_reach, hottest, screen_figure
from agents.report.style import FAIR, GOOD, HEAT, PERCENTILES, POOR, SERIES
from agents.report.timelines import timeline
from pipeline.report import LatencyPoint, Report, ScreenMap

SECTIONS: Final = {
    "scores": "Scores",
    "screens": "Screens",
    "journeys": "Journeys",
    "rage": "Rage",
    "errors": "Errors",
    "latency": "Latency",
    "emotions": "Emotions",
    "sessions": "Sessions",
}

MOST_ENDPOINTS: Final = 20
MOST_MOVES: Final = 100
"""In tables."""


def render(report: Report) -> str:
    """Return the page of a report."""
    scripts = [get_plotlyjs(), _file("page.js")]
    latency = [
        (endpoint, points)
        for endpoint in report.endpoints
        if (points := [point for point in report.latency if point.api_endpoint == endpoint.api_endpoint])
    ]
    colour_of = screen_colours(report.moves, report.sessions)
    return (
        _templates()
        .get_template("page.html.j2")
        .render(
            report=report,
            policy=_policy(scripts),
            style=Markup(_file("page.css")),
            scripts=[Markup(script) for script in scripts],
            figures=Markup(_embedded(dict(_figures(report, [points for _, points in latency], colour_of)))),
            period=texts.period(report.period.start, report.period.end),
            before=texts.period(report.period.before.start, report.period.before.end),
            sections=SECTIONS,
            tiles=tiles(report.headlines, report.before),
            findings=findings(report),
            empty=not (report.headlines.sessions or report.headlines.events or report.headlines.calls),
            screens=[
                (screen, half_reach(screen), above_the_fold(screen), hottest(screen))
                for screen in _by_class(report.screens)
            ],
            heat=", ".join(f"{colour} {100 * share:.0f}%" for share, colour in HEAT),
            moves=_moves(report),
            latency=latency,
            percentiles=PERCENTILES,
            step=texts.length(report.period.step),
            most_endpoints=MOST_ENDPOINTS,
            series=SERIES,
            poor=POOR,
            bands=[(f"below {POOR_BELOW}", POOR), (f"below {GOOD_FROM}", FAIR), (f"{GOOD_FROM} and above", GOOD)],
            scores=[(f"{band.lowest} to {band.highest}", texts.number(band.sessions)) for band in report.scores],
            causes=CAUSES,
            emotions=_emotions(report),
            shares=emotion_shares(report.emotions),
            colour_of=colour_of,
            timelines=[timeline(session, colour_of) for session in report.sessions],
        )
    )


def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("agents.report", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        clean=texts.clean,
        short=texts.short,
        lines=texts.lines,
        number=texts.number,
        count=texts.counted,
        percent=texts.percent,
        milliseconds=texts.milliseconds,
        duration=texts.duration,
        day_and_time=texts.day_and_time,
        verdict=_verdict,
    )
    return environment


def _verdict(score: int | None) -> str:
    if score is None:
        return "unknown"
    return "poor" if score < POOR_BELOW else "fair" if score < GOOD_FROM else "good"


def _moves(report: Report) -> list[tuple[Any, ...]]:
    busiest = sorted(report.moves, key=lambda move: (move.step, -move.sessions))[:MOST_MOVES]
    return [
        (move.step, texts.clean(move.from_screen), texts.clean(move.to_screen, "left"), texts.number(move.sessions))
        for move in busiest
    ]


def _by_class(screens: Sequence[ScreenMap]) -> list[ScreenMap]:
    """Return the maps of the busiest class of devices first, and so on: such as are alike in shape stand together."""
    classes = list(dict.fromkeys(screen.device_class for screen in screens))
    return sorted(screens, key=lambda screen: classes.index(screen.device_class))


def _emotions(report: Report) -> list[tuple[str, ...]]:
    return [
        (
            texts.clean(emotion.emotion),
            texts.number(emotion.windows),
            texts.number(emotion.sessions),
            texts.percent(emotion.confidence),
        )
        for emotion in report.emotions
    ]


def _figures(
    report: Report, latency: Sequence[Sequence[LatencyPoint]], colour_of: Mapping[str, int]
) -> Iterator[tuple[str, go.Figure]]:
    """Yield each figure under the id of the element that it is drawn in."""
    for place, screen in enumerate(_by_class(report.screens)):
        yield f"screen-{place}", screen_figure(screen)
    if report.moves:
        yield "journeys", journey_figure(report.moves, colour_of)
    for place, figure in enumerate(latency_figures(latency, report.period.step)):
        yield f"latency-{place}", figure
    if report.scores:
        yield "scores", score_figure(report.scores)
    if report.emotions:
        yield "emotions", emotion_figure(report.emotions)


def _embedded(figures: dict[str, go.Figure]) -> str:
    """Return the figures as JSON that ends no script element, whatever is in it."""
    drawn = {name: json.loads(figure.to_json(validate=False)) for name, figure in figures.items()}
    return json.dumps(drawn, separators=(",", ":")).replace("<", "\\u003c").replace(">", "\\u003e")


def _policy(scripts: Sequence[str]) -> str:
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _file(name: str) -> str:
    return (files("agents.report") / "pages" / name).read_text("utf-8")
