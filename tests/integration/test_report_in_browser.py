"""A report in a browser: all of it is drawn, it complains of nothing, asks for nothing, and no name does anything."""

import re
from pathlib import Path
from typing import Literal

import pytest

from agents.report.journeys import LEFT, LONGEST, OTHERS
from agents.report.page import render
from agents.report.texts import clean, short
from pipeline.report import Report
from tests.reports import CROWDED, EMPTY, HARMFUL, HOSTILE, ONE_SESSION, ORDINARY
from tests.servers.browser import OpenPage, RunningBrowser

REPORTS = {"empty": EMPTY, "one": ONE_SESSION, "ordinary": ORDINARY, "crowded": CROWDED, "harmful": HARMFUL}
PHONE, DESK, PAPER = 390, 1280, 1046
"""Widths in CSS pixels; paper is A4, lying, less its margins."""

DRAWN = """() => Object.fromEntries([...document.querySelectorAll(".chart")].map(chart => [chart.id, {
    heat: chart.querySelectorAll(".heatmaplayer image").length,
    reach: chart.querySelectorAll(".scatterlayer .js-fill").length,
    frames: chart.querySelectorAll(".shapelayer path").length,
    lines: chart.querySelectorAll(".scatterlayer .js-line").length,
    bars: chart.querySelectorAll(".barlayer .point path").length,
    nodes: chart.querySelectorAll(".sankey-node").length,
    links: chart.querySelectorAll(".sankey-link").length,
}]))"""

BEYOND = """() => [...document.querySelectorAll("body *")]
    .filter(one => !one.closest(".wide, .broad") && one.getBoundingClientRect().right > innerWidth + 1)
    .map(one => one.outerHTML.slice(0, 80))"""

CUT = """() => [...document.querySelectorAll(".chart .main-svg")].filter(drawing => {
    const inner = drawing.getBoundingClientRect(), outer = drawing.closest("figure").getBoundingClientRect();
    return inner.right > outer.right + 1 || inner.bottom > outer.bottom + 1;
}).map(drawing => drawing.closest(".chart").id)"""

INK = """() => {
    const luminance = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number)
        .map(part => part / 255).map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
    const ground = one => {
        for (; one; one = one.parentElement) {
            const colour = getComputedStyle(one).backgroundColor;
            if (colour !== "rgba(0, 0, 0, 0)") return luminance(colour);
        }
    };
    const pairs = [...document.querySelectorAll("h1, h2, h3, p, a, th, td, .note, .change, .counts, .score, svg text")]
        .map(one => [one, luminance(getComputedStyle(one)[one.closest("svg") ? "fill" : "color"]), ground(one)]);
    return pairs.filter(([, ink, paper]) => (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05) < 4.5)
        .map(([one]) => one.outerHTML.slice(0, 80));
}"""
"""What is written too faintly to be read by most: less than the 4.5 to 1 of WCAG 2's contrast."""


async def opened(
    browser: RunningBrowser,
    directory: Path,
    report: Report,
    scheme: Literal["light", "dark"] = "light",
    width: int = DESK,
) -> OpenPage:
    """Open a report and wait until all of it is drawn."""
    file = directory / "report.html"
    file.write_text(render(report), "utf-8")
    page = await browser.open(file, scheme, width)
    await page.page.wait_for_selector("html[data-drawn]", state="attached")
    return page


@pytest.mark.parametrize("name", REPORTS)
async def test_a_report_complains_of_nothing_asks_for_nothing_and_no_name_does_anything(
    browser: RunningBrowser, tmp_path: Path, name: str
) -> None:
    shown = await opened(browser, tmp_path, REPORTS[name])
    for chart in await shown.page.query_selector_all(".chart"):
        await chart.hover()
    assert (shown.complaints, shown.requests) == ([], [])
    assert await shown.page.evaluate("window.hacked") is None
    assert await shown.page.query_selector("main script, main img, main a:not([href^='#']), svg a") is None


async def test_every_chart_is_drawn(browser: RunningBrowser, tmp_path: Path) -> None:
    drawn = await (await opened(browser, tmp_path, ORDINARY)).page.evaluate(DRAWN)
    assert len(drawn) == 11
    for place in range(4):
        screen, latency = drawn[f"figure-screen-{place}"], drawn[f"figure-latency-{place}"]
        assert (screen["heat"], screen["reach"], screen["frames"]) == (1, 1, 7)
        assert latency["lines"] == 3
    assert (drawn["figure-scores"]["bars"], drawn["figure-emotions"]["bars"]) == (3, 5)
    assert drawn["figure-journeys"]["nodes"] == 4 * 4 + 1
    assert drawn["figure-journeys"]["links"] == 4 * 3 + 4


async def test_hostile_names_are_read_as_they_are_in_the_charts(browser: RunningBrowser, tmp_path: Path) -> None:
    page = (await opened(browser, tmp_path, HARMFUL)).page
    labels = await page.eval_on_selector_all(".sankey-node text", "all => all.map(one => one.textContent)")
    shown = {re.sub(r"[\u2068\u2069]|\u202f%$", "", label).rpartition(" ")[0] for label in labels}
    assert shown & {short(clean(name), LONGEST) for name in HOSTILE if "<" in name}
    assert shown <= {short(clean(name), LONGEST) for name in HOSTILE} | {short(OTHERS, LONGEST), LEFT}


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("width", [PHONE, DESK])
async def test_nothing_sticks_out_of_a_screen(browser: RunningBrowser, tmp_path: Path, name: str, width: int) -> None:
    page = (await opened(browser, tmp_path, REPORTS[name], width=width)).page
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await page.evaluate(BEYOND) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everything_is_readable_by_day_and_by_night(
    browser: RunningBrowser, tmp_path: Path, scheme: Literal["light", "dark"]
) -> None:
    page = (await opened(browser, tmp_path, ORDINARY, scheme)).page
    assert await page.evaluate(INK) == []


async def test_paper_is_white_and_cuts_no_chart_whatever_the_screen_was(
    browser: RunningBrowser, tmp_path: Path
) -> None:
    page = (await opened(browser, tmp_path, ORDINARY, "dark")).page
    await page.emulate_media(media="print")
    await page.set_viewport_size({"width": PAPER, "height": 720})
    assert await page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert await page.evaluate(INK) == []
    assert await page.evaluate(CUT) == []
    assert await page.evaluate(BEYOND) == []
    assert (await page.pdf(prefer_css_page_size=True)).startswith(b"%PDF")


async def test_charts_fill_the_paper_though_the_window_was_narrow_and_the_window_again_after(
    browser: RunningBrowser, tmp_path: Path
) -> None:
    page = (await opened(browser, tmp_path, ORDINARY, width=PHONE)).page
    width = "document.querySelector('#figure-{} .main-svg').getBoundingClientRect().width"
    before = [await page.evaluate(width.format(name)) for name in ("journeys", "scores")]
    wide, beside, links = await page.evaluate(
        "dispatchEvent(new Event('beforeprint'));"
        f"[{width.format('journeys')}, {width.format('scores')}, [...document.querySelectorAll('.sankey-link')]"
        ".filter(link => link.getBoundingClientRect().width > 100 && getComputedStyle(link).opacity === '1').length]"
    )
    assert wide > 0.95 * PAPER
    assert 0.4 * PAPER < beside < 0.5 * PAPER
    assert links == 4 * 3 + 4
    await page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert [await page.evaluate(width.format(name)) for name in ("journeys", "scores")] == before


async def test_what_a_name_smuggled_in_would_not_run(browser: RunningBrowser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    smuggled = "<script>window.hacked = 1</script><img src='https://a.example/x' onerror='window.hacked = 1' alt=''>"
    file.write_text(render(ORDINARY).replace("<main>", f"<main>{smuggled}"), "utf-8")
    page = await browser.open(file)
    await page.page.wait_for_selector("html[data-drawn]", state="attached")
    assert await page.page.evaluate("window.hacked") is None
    assert sum("Content Security Policy" in complaint for complaint in page.complaints) >= 2
