"""Where sessions go first, as a Sankey: a column for each step, a band for each way, wide as it is busy."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import plotly.graph_objects as go

from agents.report.style import GREY, SERIES, bare, faded
from agents.report.texts import clean, label, number, percent, wrapped
from pipeline.report import Move

MOST_IN_A_COLUMN: Final = 6
"""Screens; all others are one."""

OTHERS: Final = "other screens"
LEFT: Final = "left"

LONGEST: Final = 12
"""Name beside a node, in characters: those of the last two columns stand in the same gap."""

HEIGHT: Final = 420
_GAP: Final = 0.03
_TOP, _BOTTOM = 0.02, 0.98


@dataclass(frozen=True, slots=True)
class Node:
    """A screen as a session's ``step``-th."""

    step: int
    name: str


def columns(moves: Sequence[Move]) -> dict[tuple[Node, Node], int]:
    """Return the sessions between every two nodes: of each step the busiest screens, the others together."""
    busiest = _busiest(moves)
    flows: Counter[tuple[Node, Node]] = Counter()
    for move in moves:
        here = _node(move.step, move.from_screen, busiest)
        there = Node(move.step + 1, LEFT) if move.to_screen is None else _node(move.step + 1, move.to_screen, busiest)
        flows[here, there] += move.sessions
    return dict(flows)


def journey_figure(moves: Sequence[Move], colour_of: Mapping[str, int]) -> go.Figure:
    """Return the Sankey of these moves, each node with its share of all sessions."""
    flows = columns(moves)
    sizes = _sizes(flows)
    nodes = sorted(sizes, key=lambda node: (node.step, node.name == LEFT, node.name == OTHERS, -sizes[node], node.name))
    places = {node: place for place, node in enumerate(nodes)}
    colours = {node.name: _colour(node.name, colour_of) for node in nodes}
    total = sum(size for node, size in sizes.items() if node.step == nodes[0].step)
    across, down = _positions(nodes, sizes)
    sankey = go.Sankey(
        arrangement="fixed",
        node={
            "label": [f"{label(node.name, LONGEST)} {percent(sizes[node] / total)}" for node in nodes],
            "x": across,
            "y": down,
            "color": [colours[node.name] for node in nodes],
            "customdata": [
                f"{wrapped(node.name)}<br>{_ordinal(node)}: {number(sizes[node])} sessions" for node in nodes
            ],
            "hovertemplate": "%{customdata}<extra></extra>",
            "line": {"width": 0},
            "pad": 14,
            "thickness": 12,
        },
        link={
            "source": [places[here] for here, _ in flows],
            "target": [places[there] for _, there in flows],
            "value": list(flows.values()),
            "color": [faded(colours[here.name], 0.16 if there.name == LEFT else 0.38) for here, there in flows],
            "customdata": [_said(here, there, sessions, sizes) for (here, there), sessions in flows.items()],
            "hovertemplate": "%{customdata}<extra></extra>",
        },
    )
    return go.Figure([sankey], bare(HEIGHT, margin={"l": 8, "r": 8, "t": 24, "b": 16}, annotations=_headings(nodes)))


def _busiest(moves: Iterable[Move]) -> dict[int, set[str]]:
    visits: dict[int, Counter[str]] = defaultdict(Counter)
    for move in moves:
        visits[move.step][clean(move.from_screen)] += move.sessions
        if move.to_screen is not None:
            visits[move.step + 1][clean(move.to_screen)] += move.sessions
    return {step: {name for name, _ in seen.most_common(MOST_IN_A_COLUMN)} for step, seen in visits.items()}


def _node(step: int, screen_name: str, busiest: dict[int, set[str]]) -> Node:
    name = clean(screen_name)
    return Node(step, name if name in busiest[step] else OTHERS)


def _sizes(flows: dict[tuple[Node, Node], int]) -> dict[Node, int]:
    into: Counter[Node] = Counter()
    out: Counter[Node] = Counter()
    for (here, there), sessions in flows.items():
        out[here] += sessions
        into[there] += sessions
    return {node: max(into[node], out[node]) for node in into | out}


def _colour(name: str, colour_of: Mapping[str, int]) -> str:
    place = None if name in (LEFT, OTHERS) else colour_of.get(name)
    return GREY if place is None else SERIES[place]


def _positions(nodes: Sequence[Node], sizes: dict[Node, int]) -> tuple[list[float], list[float]]:
    """Return the nodes' places from 0 to 1: columns by step, and in each the busiest on top."""
    first, last = nodes[0].step, nodes[-1].step
    steps = range(first, last + 1)
    of_step = {step: [node for node in nodes if node.step == step] for step in steps}
    most = max(sum(sizes[node] for node in its) for its in of_step.values())
    room = (_BOTTOM - _TOP) - _GAP * (max(len(its) for its in of_step.values()) - 1)
    across, down = [], []
    for step, its in of_step.items():
        top = _TOP
        for node in its:
            height = room * sizes[node] / most
            across.append(min(0.999, max(0.001, (step - first) / max(1, last - first))))
            down.append(min(0.999, max(0.001, top + height / 2)))
            top += height + _GAP
    return across, down


def _ordinal(node: Node) -> str:
    return f"after screen {node.step - 1}" if node.name == LEFT else f"screen {node.step}"


def _said(here: Node, there: Node, sessions: int, sizes: dict[Node, int]) -> str:
    share = percent(sessions / sizes[here])
    return f"{label(here.name, 40)} → {label(there.name, 40)}<br>{number(sessions)} sessions, {share} of those there"


def _headings(nodes: Sequence[Node]) -> list[dict[str, object]]:
    steps = sorted({node.step for node in nodes})
    return [
        {
            "text": f"screen {step}",
            "x": place / max(1, len(steps) - 1),
            "y": 1,
            "yshift": 18,
            "xref": "paper",
            "yref": "paper",
            "xanchor": "left" if place == 0 else "right" if place == len(steps) - 1 else "center",
            "showarrow": False,
            "font": {"size": 11},
        }
        for place, step in enumerate(steps)
    ]
