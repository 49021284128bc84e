"""The charts of a report say what its values do."""

import re
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.report.charts import emotion_figure, emotion_shares, latency_figures, score_figure
from agents.report.journeys import LEFT, LONGEST, MOST_IN_A_COLUMN, OTHERS, Node, columns, journey_figure
from agents.report.screens import above_the_fold, document_height, half_reach, screen_figure
from agents.report.style import GREY, SERIES
from pipeline.report import LARGEST_PX, Cell, Depth, Emotion, LatencyPoint, Move, Period, ScoreBand
from tests.reports import CROWDED, DAY, NOON, ORDINARY, screen_map

SCREEN = screen_map()
HOUR = timedelta(hours=1)


def heat_of(*cells: Cell) -> "NDArray[np.float32]":
    found: NDArray[np.float32] = screen_figure(replace(SCREEN, cells=list(cells))).data[0].z
    return found


def test_clicks_are_where_they_were_and_counted_as_they_are() -> None:
    heat = screen_figure(SCREEN).data[0]
    assert {(row, column): heat.customdata[row, column] for row, column in np.argwhere(heat.customdata > 0)} == {
        (cell.row, cell.column): cell.clicks for cell in SCREEN.cells
    }
    assert np.unravel_index(heat.z.argmax(), heat.z.shape) == (20, 32)
    assert (heat.x0, heat.dx, heat.y0, heat.dy) == (0.5 / 64, 1 / 64, 10, 20)


def test_the_hottest_cell_is_the_scales_end_and_where_nobody_clicked_there_is_nothing() -> None:
    heat = heat_of(Cell(10, 10, 7))
    assert heat.max() == 1
    assert heat[:6, :].max() == 0


def test_a_click_at_the_edge_is_not_spread_to_the_other_side() -> None:
    heat = heat_of(Cell(0, 10, 7))
    assert heat[:, 32:].max() == 0


def test_a_map_without_clicks_is_empty() -> None:
    assert heat_of().max() == 0


def test_a_document_is_drawn_to_scale() -> None:
    figure = screen_figure(SCREEN)
    margin = figure.layout.margin
    height = figure.layout.height - margin.t - margin.b
    width = (figure.layout.width - margin.l - margin.r) * figure.layout.xaxis.domain[1]
    assert height / width == pytest.approx(2000 / 1280, rel=0.01)
    assert figure.layout.yaxis.range == (2000, 0)


@pytest.mark.parametrize(
    ("cells", "depths", "height"),
    [
        ([], [], 720),
        ([Cell(0, 49, 1)], [], 1000),
        ([], [Depth(3000, 5, 0.05), Depth(9000, 1, 0.01)], 3000),
        ([Cell(0, 2, 1)], [Depth(300, 1, 1.0)], 720),
    ],
)
def test_as_much_of_a_document_is_drawn_as_some_saw_or_clicked_in(
    cells: list[Cell], depths: list[Depth], height: int
) -> None:
    assert document_height(replace(SCREEN, clicks=64, cells=cells, depths=depths)) == height


def test_one_click_of_thousands_far_below_does_not_flatten_the_rest() -> None:
    cells = [Cell(0, 0, 5000), Cell(0, 499, 1)]
    assert document_height(replace(SCREEN, clicks=5001, cells=cells, depths=[])) == 720


def test_a_window_that_nobody_has_is_drawn_as_the_largest_and_takes_no_room() -> None:
    screen = replace(SCREEN, viewport_height=2_147_483_647)
    assert document_height(screen) == LARGEST_PX
    assert len(screen_figure(screen).data[0].z) < 200


def test_half_of_the_sessions_saw_what_half_of_them_reached() -> None:
    assert half_reach(SCREEN) == 1000
    assert half_reach(replace(SCREEN, depths=[])) == 0


def test_the_fold_divides_clicks_by_the_cell_that_they_are_in() -> None:
    assert above_the_fold(replace(SCREEN, cells=[Cell(0, 35, 3), Cell(0, 36, 1)])) == 0.75
    assert above_the_fold(replace(SCREEN, cells=[])) == 0


MOVES = [
    *(Move(1, "home", f"page {number}", 10 + number) for number in range(10)),
    Move(1, "home", None, 5),
    *(Move(2, f"page {number}", "home", 10) for number in range(10)),
]


def test_a_journey_loses_no_session() -> None:
    flows = columns(MOVES)
    assert sum(flows.values()) == sum(move.sessions for move in MOVES)
    assert flows[Node(1, "home"), Node(2, LEFT)] == 5
    assert {here.step + 1 for here, _ in flows} == {there.step for _, there in flows}


def test_the_busiest_screens_of_a_step_are_named_and_the_others_are_one() -> None:
    second = {there.name: sessions for (_, there), sessions in columns(MOVES).items() if there.step == 2}
    assert second == {f"page {number}": 10 + number for number in range(4, 10)} | {OTHERS: 10 + 11 + 12 + 13, LEFT: 5}


def test_a_journey_has_few_enough_nodes_for_hundreds_of_screens() -> None:
    (sankey,) = journey_figure(CROWDED.moves, {}).data
    assert len(sankey.node.label) <= (MOST_IN_A_COLUMN + 2) * 4
    assert sum(sankey.link.value) == sum(move.sessions for move in CROWDED.moves)


def test_nodes_of_a_column_do_not_overlap() -> None:
    (sankey,) = journey_figure(MOVES, {}).data
    assert all(0 < place < 1 for place in (*sankey.node.x, *sankey.node.y))
    for across in set(sankey.node.x):
        down = [y for x, y in zip(sankey.node.x, sankey.node.y, strict=True) if x == across]
        assert down == sorted(set(down))


def test_a_screen_that_is_named_like_a_node_of_ours_is_still_a_screen() -> None:
    assert sum(columns([Move(1, OTHERS, LEFT, 3)]).values()) == 3


def test_latency_has_a_line_for_each_percentile_with_its_points_in_the_middle_of_their_step() -> None:
    points = [point for point in ORDINARY.latency if point.api_endpoint == "/"]
    (figure,) = latency_figures([points], DAY.step)
    assert [(line.name, list(line.y)[:2]) for line in figure.data] == [
        ("p50", [80, 80]),
        ("p95", [200, 201]),
        ("p99", [1900, 1900]),
    ]
    assert figure.data[0].x[0] == NOON + DAY.step / 2


def calls(hour: int) -> LatencyPoint:
    return LatencyPoint("/", NOON + hour * HOUR, 1, 0, 1.0, 2.0, 3.0)


def test_no_line_leads_across_a_time_without_calls() -> None:
    (figure,) = latency_figures([[calls(0), calls(1), calls(4)]], HOUR)
    assert list(figure.data[0].y) == [1, 1, None, 1]
    assert [at.hour - NOON.hour for at in figure.data[0].x] == [0, 1, 2, 4]


def test_all_endpoints_are_drawn_over_the_same_time() -> None:
    figures = latency_figures([[calls(3)], [calls(1), calls(2)]], HOUR)
    (start, end), other = (figure.layout.xaxis.range for figure in figures)
    assert (start, end) == other
    assert start < NOON + HOUR < NOON + 4 * HOUR < end
    assert latency_figures([], HOUR) == []


@pytest.mark.parametrize("hours", [[0], [0, 99], list(range(3)), list(range(200))])
def test_points_at_the_edge_are_whole_and_the_fewer_the_larger(hours: list[int]) -> None:
    (figure,) = latency_figures([[calls(hour) for hour in hours]], HOUR)
    assert [line.cliponaxis for line in figure.data] == [False] * 3
    sizes = {line.marker.size for line in figure.data}
    assert sizes == {7 if len(hours) <= 3 else 2}


def test_names_beside_nodes_are_short_and_whole_where_one_points() -> None:
    name = "/a/very/long/name/" * 10
    (sankey,) = journey_figure([Move(1, name, None, 1)], {}).data
    assert len(sankey.node.label[0]) == len("\u2068\u2069 100\u202f%") + LONGEST
    hover, _, rest = sankey.node.customdata[0].rpartition("<br>")
    assert (re.sub("<br>|[\u2068\u2069]", "", hover), rest) == (name, "screen 1: 1 sessions")
    assert max(map(len, hover.split("<br>"))) <= 62


def test_a_screen_has_its_colour_and_its_share_in_a_journey() -> None:
    (sankey,) = journey_figure([Move(1, "a", "b", 3), Move(1, "a", None, 1)], {"b": 2}).data
    assert list(zip(sankey.node.label, sankey.node.color, strict=True)) == [
        ("\u2068a\u2069 100\u202f%", GREY),
        ("\u2068b\u2069 75\u202f%", SERIES[2]),
        ("\u2068left\u2069 25\u202f%", GREY),
    ]


def test_scores_are_bars_where_their_bands_are() -> None:
    (bars,) = score_figure([ScoreBand(40, 49, 1), ScoreBand(50, 59, 2), ScoreBand(90, 100, 3)]).data
    assert (list(bars.x), list(bars.y)) == ([45, 55, 95.5], [1, 2, 3])
    assert len(set(bars.marker.color)) == 3


def test_emotions_are_shares_of_one_bar_and_unknown_ones_are_grey() -> None:
    emotions = [Emotion("bored", 6, 2, 0.5), Emotion("<b>new", 2, 1, 0.5)]
    assert [(name, share) for name, share, _ in emotion_shares(emotions)] == [("bored", 0.75), ("<b>new", 0.25)]
    figure = emotion_figure(emotions)
    assert sum(part.x[0] for part in figure.data) == 1
    assert figure.data[1].marker.color == GREY
    assert "&lt;b&gt;new" in figure.data[1].customdata[0][0]


@pytest.mark.parametrize(
    ("length", "step"),
    [
        (timedelta(minutes=1), timedelta(minutes=1)),
        (timedelta(hours=3), timedelta(minutes=1)),
        (timedelta(hours=3, seconds=1), timedelta(minutes=5)),
        (timedelta(days=1), timedelta(minutes=15)),
        (timedelta(days=7), timedelta(hours=1)),
        (timedelta(days=30), timedelta(hours=6)),
        (timedelta(days=100_000), timedelta(days=28)),
    ],
)
def test_the_points_of_a_line_are_as_fine_as_can_be_told_apart(length: timedelta, step: timedelta) -> None:
    assert Period(NOON, NOON + length).step == step


def test_the_period_before_ends_where_the_period_starts() -> None:
    assert DAY.before == Period(NOON - timedelta(days=1), NOON)
