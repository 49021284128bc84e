"""The page of ``hxi replay`` plays the recorded session in a real browser, which hears of no network."""

from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import pytest

from agents.commands.replay import replay_session
from agents.replay_page import PLAYER
from agents.settings import load_settings
from tests.builders import SESSION
from tests.replays import FRAME, RECORDED, recorded_chunks, store, until, until_shown
from tests.servers.browser import OpenPage, RunningBrowser

SEEN = (
    (4_500, "Time 5\nCounter 0\nclick to count"),
    (30_000, "Time **\nCounter 0\nclick to count"),
    (80_000, "**** *\n******* *\n***** ** *****"),
    (1_000, "Time 1\nCounter 0\nclick to count"),
)
"""What is seen after so many milliseconds: in later chunks what the page writes is masked, as it has an editor."""


@pytest.fixture(scope="module", autouse=True)
def _rrweb_player(needs_replay_player: None) -> None:
    """The player itself, from npm."""


@pytest.fixture
def recorded_page(database_url: str, tmp_path: Path) -> Path:
    store(database_url, RECORDED, recorded_chunks())
    return written(database_url, RECORDED, tmp_path)


def written(database_url: str, session_id: UUID, folder: Path) -> Path:
    replay_session(load_settings({"HXI_DATABASE_URL": database_url}), session_id, [folder / "replay.html"])
    return folder / "replay.html"


def page_events(text: str, start_ms: int, width: int, height: int) -> list[dict[str, Any]]:
    """Return rrweb's events of a page that shows ``text`` for a second."""

    def element(number: int, tag: str, *children: Any) -> dict[str, Any]:
        return {"type": 2, "tagName": tag, "id": number, "attributes": {}, "childNodes": children}

    body = element(4, "body", {"type": 3, "id": 5, "textContent": text})
    document = {"type": 0, "id": 1, "childNodes": [element(2, "html", element(3, "head"), body)]}
    meta = {"href": "https://shop.example/", "width": width, "height": height}
    return [
        {"type": 4, "timestamp": start_ms, "data": meta},
        {"type": 2, "timestamp": start_ms + 1, "data": {"node": document, "initialOffset": {"left": 0, "top": 0}}},
        {"type": 3, "timestamp": start_ms + 1_000, "data": {"source": 3, "id": 1, "x": 0, "y": 0}},
    ]


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


async def test_a_visit_of_several_pages_shows_one_after_the_other_each_in_its_size(
    browser: RunningBrowser, database_url: str, tmp_path: Path
) -> None:
    pages = [("first page", 1_000, 800, 600), ("second page", 6_000, 400, 700)]
    store(database_url, SESSION, [(n, page_events(*page)) for n, page in enumerate(pages)])
    opened = await browser.open(written(database_url, SESSION, tmp_path))
    for text, start_ms, width, height in pages:
        await opened.page.evaluate(f"player.goto({start_ms - 1_000 + 500})")
        await until_shown(opened, text)
        assert await opened.page.evaluate(
            f"(({{ width, height }}) => [width, height])(document.querySelector('{FRAME}'))"
        ) == [str(width), str(height)]
    assert (opened.complaints, opened.requests) == ([], [])


async def test_what_is_missing_is_said_above_and_the_rest_plays(
    browser: RunningBrowser, database_url: str, tmp_path: Path
) -> None:
    store(database_url, RECORDED, [chunk for chunk in recorded_chunks() if chunk[0] not in (3, 7)])
    opened = await browser.open(written(database_url, RECORDED, tmp_path))
    assert "Does not play as it was: missing chunk: 3, 7." in await opened.page.inner_text("header")
    await opened.page.evaluate("player.goto(80_000)")
    await until_shown(opened, "**** *\n******* *\n")
    assert opened.requests == []


async def test_a_recording_on_which_the_player_fails_is_no_blank_page(
    browser: RunningBrowser, database_url: str, tmp_path: Path
) -> None:
    meta, snapshot, *_ = page_events("lost", 1_000, 800, 600)
    store(database_url, SESSION, [(0, [meta, snapshot | {"data": {"node": {"type": 0, "id": 1}}}])])
    opened = await browser.open(written(database_url, SESSION, tmp_path))
    await until(
        opened, "document.querySelector('.faults')?.textContent.startsWith('The player failed on this recording')"
    )


def test_the_player_is_the_one_that_the_lock_file_names() -> None:
    assert '"version": "2.1.6"' in (PLAYER.parent / "package.json").read_text("utf-8")
