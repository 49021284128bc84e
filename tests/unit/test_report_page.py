"""A report is one file that asks for nothing and does what nobody's name tells it."""

import base64
import hashlib
import json
import re
import subprocess
import sys
from dataclasses import fields, replace
from html.parser import HTMLParser

import pytest
from plotly.offline import get_plotlyjs

from agents.report.page import SECTIONS, render
from pipeline.report import Report, ScoreCause, SessionLine
from tests.reports import CROWDED, EMPTY, HARMFUL, HEADLINES, HOSTILE, ONE_SESSION, ORDINARY, screen_map

ALLOWED = set(
    re.findall(
        r"\w+",
        """html head meta title style body header main footer section nav ul ol li p h1 h2 h3 small strong span a bdi i
        b br code div figure figcaption table thead tbody caption tr th td details summary pre noscript script""",
    )
)


class Parts(HTMLParser):
    """What a page is made of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.ids: list[str] = []
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        self.ids += [given["id"] or ""] if "id" in given else []
        if tag == "script" and "type" not in given:
            self.scripts.append("")
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            if self.scripts:
                self.scripts[-1] += data
        elif self._inside != "style":
            self.texts.append(data)


@pytest.fixture(scope="module", params=["empty", "one", "ordinary", "crowded", "harmful"])
def parts(request: pytest.FixtureRequest) -> Parts:
    """The parts of every kind of report."""
    reports = {"empty": EMPTY, "one": ONE_SESSION, "ordinary": ORDINARY, "crowded": CROWDED, "harmful": HARMFUL}
    return Parts(render(reports[request.param]))


def test_only_its_own_two_scripts_may_run_and_nothing_may_be_fetched(parts: Parts) -> None:
    (policy,) = (given["content"] for _, given in parts.tags if given.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in parts.scripts]
    assert len(digests) == 2
    assert policy.split("; ") == [
        "default-src 'none'",
        f"script-src 'sha256-{digests[0]}' 'sha256-{digests[1]}'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_its_scripts_are_plotlys_and_ours(parts: Parts) -> None:
    assert parts.scripts[0] == get_plotlyjs()
    assert "Plotly.newPlot" in parts.scripts[1]


def test_it_has_no_element_and_no_attribute_that_a_name_brought(parts: Parts) -> None:
    assert {tag for tag, _ in parts.tags} <= ALLOWED
    assert not [name for _, given in parts.tags for name in given if name.startswith("on")]
    assert not [given for _, given in parts.tags if {"src", "srcset", "action", "data"} & set(given)]
    assert all((given.get("href") or "#").startswith("#") for _, given in parts.tags)


def test_every_section_is_there_and_every_id_once(parts: Parts) -> None:
    assert len(parts.ids) == len(set(parts.ids))
    assert set(SECTIONS) <= set(parts.ids)
    headings = [tag for tag, _ in parts.tags if re.fullmatch("h[1-3]", tag)]
    assert headings[0] == "h1"
    assert headings.count("h1") == 1


def test_every_picture_says_what_it_shows(parts: Parts) -> None:
    pictures = [given for _, given in parts.tags if given.get("role") == "img"]
    assert all(given.get("aria-label") for given in pictures)


@pytest.mark.parametrize(
    "name", [name for name in HOSTILE if 0 < len(name) < 40 and "\x01" not in name and "\u202e" not in name]
)
def test_a_name_is_shown_as_it_is(name: str) -> None:
    assert name in "".join(Parts(render(HARMFUL)).texts)


def figures_of(report: Report) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="figures">(.*?)</script>', render(report), re.DOTALL)
    assert found is not None
    figures: dict[str, object] = json.loads(found[1])
    return figures


def test_a_figure_is_drawn_for_each_thing_there_is() -> None:
    assert set(figures_of(ORDINARY)) == {
        *(f"screen-{place}" for place in range(4)),
        *(f"latency-{place}" for place in range(4)),
        "journeys",
        "scores",
        "emotions",
    }
    assert figures_of(EMPTY) == {}


def test_whom_sessions_were_of_is_nowhere_in_the_values() -> None:
    names = {field.name for kind in (Report, SessionLine) for field in fields(kind)}
    assert not names & {"user", "user_id", "external_user_id", "email", "ip_address", "device_id"}


def test_workers_and_other_commands_load_no_plotting_library() -> None:
    program = (
        "import sys, agents.cli, agents.worker, agents.commands.demo, agents.commands.report\n"
        "sys.exit(bool({'plotly', 'jinja2', 'markupsafe'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0


def test_a_period_of_nothing_says_so_first() -> None:
    said = "Nothing happened in this period"
    assert said in "".join(Parts(render(EMPTY)).texts)
    assert said not in "".join(Parts(render(ONE_SESSION)).texts)


def test_maps_of_one_class_of_devices_stand_together_busiest_first() -> None:
    classes = ["mobile", "desktop", None, "mobile"]
    report = replace(EMPTY, screens=[screen_map(f"/{place}", kind) for place, kind in enumerate(classes)])
    assert re.findall(r"<h3><bdi>/(\d)</bdi></h3>", render(report)) == ["0", "3", "1", "2"]


@pytest.mark.parametrize("points", [0, -3])
def test_a_cause_that_cost_nothing_is_no_obstacle(points: int) -> None:
    causes = [ScoreCause("odd", 1, 1, points)]
    assert "<bdi>odd</bdi>" in render(replace(EMPTY, causes=causes))


def test_endpoints_are_named_for_what_orders_them() -> None:
    page = render(ORDINARY)
    assert "Most calls kept waiting: " in page
    assert "All of the period, first what kept most calls waiting" in page


def test_a_report_says_what_retention_has_taken_from_it() -> None:
    lacking = replace(ORDINARY, headlines=replace(HEADLINES, incomplete=3), before=replace(HEADLINES, incomplete=1))
    assert "Retention has removed parts of 4 sessions of this period or the one before" in render(lacking)
    assert "Retention" not in render(ORDINARY)
    unknown = replace(ORDINARY.sessions[0], screens=None, rage_clicks=None, errors=None)
    assert '<div class="counts">40 events · mostly' in render(replace(ORDINARY, sessions=[unknown]))
