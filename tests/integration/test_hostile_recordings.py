"""The page of ``hxi replay`` runs nothing of a recording and asks nobody, whatever it holds: a server listens.

Three things see to that, of which each is tried alone: addresses are taken out of the events, the page's policy, and
rrweb's sandbox.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.commands.replay import replay_session
from agents.settings import load_settings
from tests.builders import SESSION
from tests.hostile_recording import ASKED_FOR, hostile
from tests.listener import Listener, listener
from tests.replays import FRAME, store, until, until_shown
from tests.servers.browser import OpenPage, RunningBrowser

POLICY = re.compile('<meta http-equiv="Content-Security-Policy"[^>]*>')


@pytest.fixture(autouse=True)
def _rrweb_player(needs_replay_player: None) -> None:
    """The player itself, from npm."""


@pytest.fixture
async def elsewhere() -> AsyncIterator[Listener]:
    async with listener() as listening:
        yield listening


@pytest.fixture
def as_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave in the events what a browser would fetch."""
    monkeypatch.setattr("agents.commands.replay.offline", lambda event: event)


def written(database_url: str, folder: Path, elsewhere: Listener) -> Path:
    store(database_url, SESSION, [(0, hostile(elsewhere.origin))])
    replay_session(load_settings({"HXI_DATABASE_URL": database_url}), SESSION, [folder / "hostile.html"])
    return folder / "hostile.html"


async def played(browser: RunningBrowser, file: Path) -> OpenPage:
    opened = await browser.open(file, has_network=True)
    await until_shown(opened, "</script><script>window.hacked = true</script>")
    await opened.page.evaluate("player.play()")
    await until(opened, "player.getReplayer().getCurrentTime() >= player.getMetaData().totalTime")
    await opened.page.evaluate("new Promise(done => requestIdleCallback(done))")
    assert await opened.page.evaluate("window.hacked") is None
    assert await opened.page.get_attribute(FRAME, "sandbox") == "allow-same-origin"
    return opened


async def test_a_page_asks_nobody(
    browser: RunningBrowser, database_url: str, tmp_path: Path, elsewhere: Listener
) -> None:
    await played(browser, written(database_url, tmp_path, elsewhere))
    assert (elsewhere.connections, elsewhere.asked_for) == (0, set())


async def test_its_policy_alone_keeps_all_but_connections_in_advance(
    browser: RunningBrowser, database_url: str, tmp_path: Path, elsewhere: Listener, as_recorded: None
) -> None:
    await played(browser, written(database_url, tmp_path, elsewhere))
    assert elsewhere.asked_for == set()


async def test_without_its_policy_little_would_be_asked_for(
    browser: RunningBrowser, database_url: str, tmp_path: Path, elsewhere: Listener
) -> None:
    file = written(database_url, tmp_path, elsewhere)
    file.write_text(POLICY.sub("", file.read_text("utf-8")), "utf-8")
    await played(browser, file)
    assert elsewhere.asked_for <= {"/escaped", "/within-data"}


async def test_without_both_all_of_it_would_be_asked_for(
    browser: RunningBrowser, database_url: str, tmp_path: Path, elsewhere: Listener, as_recorded: None
) -> None:
    file = written(database_url, tmp_path, elsewhere)
    file.write_text(POLICY.sub("", file.read_text("utf-8")), "utf-8")
    opened = await played(browser, file)
    await until(opened, lambda: elsewhere.asked_for >= ASKED_FOR)
