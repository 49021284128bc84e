"""A page is one file that runs what it names and nothing else, whatever a recording holds."""

import base64
import hashlib
import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

import agents.replay_page
from agents.commands.replay import array
from agents.replay_page import PlayerMissing, page
from pipeline.recordings import Fault, Recording, examine
from tests.builders import SESSION

SIZE = {"width": 800, "height": 600}
HOSTILE = [
    {"type": 4, "timestamp": 1_544_756_766_750, "data": {"href": "</script><script>alert(1)</script>", **SIZE}},
    {
        "type": 2,
        "timestamp": 1_544_756_847_830,
        "data": {"node": {"textContent": '<!-- <script> {{facts}} {{events}} \u2028 \u2029 & > é 😀 \\ "'}},
    },
]

NOT_IN_THE_PLAYER = {"@tsconfig/svelte", "@types/css-font-loading-module", "source-map-js"}
"""Settings and types of compilers, and what postcss leaves out of browsers."""


@pytest.fixture
def player(tmp_path: Path) -> Path:
    """A player that is none, with what would end the elements that hold it."""
    script = 'var rrwebPlayer = "</script><!--</SCRIPT {{facts}}";\n//# sourceMappingURL=player.js.map\n'
    (tmp_path / "rrweb-player.umd.min.cjs").write_text(script, "utf-8")
    (tmp_path / "style.min.css").write_text("a{}\n/*# sourceMappingURL=style.min.css.map */\n", "utf-8")
    return tmp_path


def written(player: Path, events: list[Any], recording: Recording | None = None) -> str:
    return "".join(page(SESSION, recording or examine([(0, events)]), array(events), player))


def scripts(text: str) -> list[str]:
    """Return what the page's script elements hold, as a browser ends them."""
    return re.findall(r"<script[^>]*>(.*?)</script", text, re.DOTALL | re.IGNORECASE)


@pytest.mark.parametrize("events", [HOSTILE, []])
def test_the_events_are_in_the_page_whatever_they_hold(player: Path, events: list[Any]) -> None:
    data, *_ = scripts(written(player, events))
    assert json.loads(data) == events
    assert not set("<>&\u2028\u2029") & set(data)


def test_the_policy_names_each_script_and_no_address(player: Path) -> None:
    text = written(player, HOSTILE)
    found = re.search('http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert found is not None
    directives = dict(each.strip().split(" ", 1) for each in html.unescape(found[1]).split(";"))
    _, *programs = scripts(text)
    digests = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in programs]
    assert directives == {
        "default-src": "'none'",
        "script-src": " ".join(f"'sha256-{digest}'" for digest in digests),
        "style-src": "'unsafe-inline'",
        "img-src": "data: blob:",
        "media-src": "data: blob:",
        "font-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert len(programs) == 2
    assert "<!--" not in programs[0]
    assert "sourceMappingURL" not in text


def test_the_page_says_what_it_shows(player: Path) -> None:
    text = written(player, HOSTILE)
    assert f"<title>Session {SESSION}, 2018-12-14 03:06:06 UTC</title>" in text
    assert "2018-12-14 03:06:06 UTC · 0:01:21 · 2 events" in text
    assert 'class="faults"' not in text


def test_the_page_says_what_is_wrong_with_it(player: Path) -> None:
    text = written(player, HOSTILE, Recording(1, 2, 1, 2, True, (Fault("missing_chunk", (1,)), Fault("<b>"))))
    assert '<p class="faults">Does not play as it was: missing chunk: 1; &lt;b&gt;.</p>' in text


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "said"),
    [
        (-1e300, -1e300, "at no time of ours · 0:00:00"),
        (9e15, 9e15, "at no time of ours · 0:00:00"),
        (0, 1e300, "1970-01-01 00:00:00 UTC · endless"),
        (0, float("inf"), "1970-01-01 00:00:00 UTC · endless"),
        (float("inf"), float("inf"), "at no time of ours · endless"),
    ],
)
def test_times_that_no_calendar_has_are_no_obstacle(player: Path, start_ms: float, end_ms: float, said: str) -> None:
    assert said in written(player, HOSTILE, Recording(1, 2, start_ms, end_ms, True, ()))


def test_without_the_player_it_is_said_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(PlayerMissing, match="`make player` in HXI's checkout fetches it"):
        page(SESSION, examine([]), [], tmp_path)


def test_the_page_names_whose_code_it_holds(player: Path) -> None:
    locked = json.loads((Path(agents.replay_page.__file__).parent / "package-lock.json").read_text("utf-8"))
    packages = {name.partition("node_modules/")[2] for name in locked["packages"]} - {""} - NOT_IN_THE_PLAYER
    notice, _, _ = written(player, HOSTILE).partition("<header>")
    assert {name for name in packages if not re.search(rf"(?<![\w/-]){re.escape(name)}[ ,]", notice)} == set()
    assert notice.count("<!--") == notice.count("-->") == 1
