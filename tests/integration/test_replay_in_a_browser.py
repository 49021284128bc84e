"""The page of ``hxi replay`` plays the recorded session in a real browser, which hears of no network."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any, Literal

import pytest

from agents.commands.replay import replay_session
from agents.replay_page import PLAYER
from agents.settings import load_settings
from tests.builders import SESSION
from tests.replays import RECORDED, recorded_chunks, store
from tests.servers.browser import OpenPage, RunningBrowser

FRAME = "#player iframe"
SEEN = (
    (4_500, "Time 5\nCounter 0\nclick to count"),
    (30_000, "Time **\nCounter 0\nclick to count"),
    (80_000, "**** *\n******* *\n***** ** *****"),
    (1_000, "Time 1\nCounter 0\nclick to count"),
)
"""What is seen after so many milliseconds: in later chunks what the page writes is masked, as it has an editor."""

FAR = "http://127.0.0.1:9/far"


@pytest.fixture(scope="module", autouse=True)
def _rrweb_player(needs_replay_player: None) -> None:
    """The player itself, from npm."""


@pytest.fixture
def recorded_page(database_url: str, tmp_path: Path) -> Path:
    store(database_url, RECORDED, recorded_chunks())
    replay_session(load_settings({"HXI_DATABASE_URL": database_url}), RECORDED, [tmp_path / "replay.html"])
    return tmp_path / "replay.html"


async def until(opened: OpenPage, expression: str) -> None:
    """Ask until ``expression`` holds. Playwright's own waiting evaluates texts in the page, which forbids that."""
    deadline = time.monotonic() + 20
    while not await opened.page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        await asyncio.sleep(0.02)


async def until_shown(opened: OpenPage, text: str) -> None:
    """Wait until the page that is replayed shows ``text``."""
    await until(
        opened, f"document.querySelector('{FRAME}').contentDocument.body?.innerText.includes({json.dumps(text)})"
    )


async def clock(opened: OpenPage) -> str:
    return await opened.page.inner_text(".rr-timeline__time >> nth=0")


async def test_the_recorded_session_shows_what_was_seen_at_each_moment(
    browser: RunningBrowser, recorded_page: Path
) -> None:
    opened = await browser.open(recorded_page)
    page = opened.page
    assert await page.title() == f"Session {RECORDED}, 2018-12-14 03:06:06 UTC"
    assert "0:01:21 · 272 events" in await page.inner_text("header")
    await until_shown(opened, "Time 0\n")
    assert await page.inner_text(".rr-timeline__time >> nth=1") == "01:21"
    for offset_ms, text in SEEN:
        await page.evaluate(f"player.goto({offset_ms})")
        await until_shown(opened, text)
    assert (opened.complaints, opened.requests) == ([], [])


async def test_pressing_play_lets_time_go_on_and_pressing_again_stops_it(
    browser: RunningBrowser, recorded_page: Path
) -> None:
    opened = await browser.open(recorded_page)
    assert await clock(opened) == "00:00"
    play = opened.page.locator(".rr-controller__btns button >> nth=0")
    await play.click()
    await until_shown(opened, "Time 2\n")
    assert await clock(opened) >= "00:01"
    await play.click()
    stopped_at = await opened.page.evaluate("player.getReplayer().getCurrentTime()")
    await opened.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert await opened.page.evaluate("player.getReplayer().getCurrentTime()") == stopped_at
    assert (opened.complaints, opened.requests) == ([], [])


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_player_fits_the_window_however_large_it_becomes(
    browser: RunningBrowser, recorded_page: Path, scheme: Literal["light", "dark"]
) -> None:
    opened = await browser.open(recorded_page, scheme)
    for width, height in ((1280, 900), (500, 700), (1900, 1000)):
        await opened.page.set_viewport_size({"width": width, "height": height})
        await until(opened, f"document.querySelector('.rr-controller').clientWidth === {width}")
        bottom, right, controls = await opened.page.evaluate(
            f"""[document.querySelector('{FRAME}').getBoundingClientRect().bottom,
                document.querySelector('{FRAME}').getBoundingClientRect().right,
                document.querySelector('.rr-controller').getBoundingClientRect().bottom]"""
        )
        assert (bottom <= height - 80, right <= width, height - 1 < controls <= height) == (True, True, True)
    colors = await opened.page.evaluate(
        """['.rr-controller', '.rr-timeline__time'].map(each => getComputedStyle(document.querySelector(each)))
            .map((style, n) => n ? style.color : style.backgroundColor)"""
    )
    assert (
        colors
        == {
            "light": ["rgb(255, 255, 255)", "rgb(17, 16, 62)"],
            "dark": ["rgb(36, 36, 44)", "rgb(232, 232, 242)"],
        }[scheme]
    )


async def test_a_hostile_recording_runs_nothing_and_asks_nobody(
    browser: RunningBrowser, database_url: str, tmp_path: Path
) -> None:
    def element(number: int, tag: str, *children: Any, **attributes: str) -> dict[str, Any]:
        return {"type": 2, "tagName": tag, "id": number, "attributes": attributes, "childNodes": list(children)}

    def text(number: int, value: str, **more: Any) -> dict[str, Any]:
        return {"type": 3, "id": number, "textContent": value} | more

    head = element(
        3,
        "head",
        element(10, "link", rel="preconnect", href=FAR),
        element(11, "link", rel="dns-prefetch", href=FAR),
        element(12, "link", rel="stylesheet", href=FAR),
        element(13, "style", text(14, f"@import '{FAR}'; body {{ background: url({FAR}) }}", isStyle=True)),
        element(15, "script", text(16, "window.top.hacked = true")),
        element(17, "base", href=FAR),
    )
    body = element(
        4,
        "body",
        text(20, "</script><script>window.hacked = true</script><!-- \u2028"),
        element(21, "img", src=FAR, srcset=f"{FAR} 2x", onerror="window.top.hacked = true"),
        element(22, "iframe", src=FAR, rr_src=FAR),
        element(23, "object", data=FAR),
        element(24, "video", src=FAR, poster=FAR),
        element(25, "svg", element(26, "use", **{"xlink:href": f"{FAR}#x"})),
        element(27, "a", text(28, "away"), href="javascript:window.top.hacked = true"),
    )
    document = {"type": 0, "id": 1, "childNodes": [element(2, "html", head, body)]}
    later = {
        "source": 0,
        "texts": [],
        "removes": [],
        "adds": [],
        "attributes": [{"id": 21, "attributes": {"src": FAR}}],
    }
    events = [
        {"type": 4, "timestamp": 1000, "data": {"href": FAR, "width": 800, "height": 600}},
        {"type": 2, "timestamp": 1001, "data": {"node": document, "initialOffset": {"left": 0, "top": 0}}},
        {"type": 3, "timestamp": 2000, "data": later},
        {"type": 5, "timestamp": 3000, "data": {"tag": "</script>", "payload": {}}},
    ]
    store(database_url, SESSION, [(0, events)])
    file = tmp_path / "hostile.html"
    replay_session(load_settings({"HXI_DATABASE_URL": database_url}), SESSION, [file])
    opened = await browser.open(file)
    await until_shown(opened, "</script><script>window.hacked = true</script>")
    await opened.page.evaluate("player.goto(2000)")
    await until_shown(opened, "away")
    assert await opened.page.evaluate("window.hacked") is None
    assert (opened.complaints, opened.requests) == ([], [])


def test_the_player_is_the_one_that_the_lock_file_names() -> None:
    assert '"version": "2.1.6"' in (PLAYER.parent / "package.json").read_text("utf-8")
