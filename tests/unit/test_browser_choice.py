"""Which browser the tests open pages in, and that they say so where there is none."""

from pathlib import Path

import pytest

from tests.servers.browser import NAMES, REQUIRE_BROWSER, BrowserUnavailable, find_browser


def search_path(directory: Path, name: str, says: str) -> dict[str, str]:
    """Make a search path with a program of this name and nothing else."""
    program = directory / name
    program.write_text(f"#!/bin/sh\n{says}\n", "utf-8")
    program.chmod(0o755)
    return {"PATH": str(directory)}


@pytest.mark.parametrize("name", NAMES)
def test_one_on_the_search_path_is_taken(tmp_path: Path, name: str) -> None:
    found = find_browser(search_path(tmp_path, name, "echo 'Chromium 123.0.6312.86 built on Debian'"), tmp_path / "c")
    assert (found.program, found.environment) == (tmp_path / name, {})
    assert found.report() == ["Browser: Chromium 123.0.6312.86 from the search path."]


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ("echo 'Chromium 122.9.9.9'", "is not Chromium 123 or newer"),
        ("echo 'Command requires the chromium snap'", "says 'Command requires the chromium snap'"),
        ("echo 'install a snap' >&2; exit 1", "chromium failed: install a snap"),
    ],
)
def test_one_that_cannot_show_our_pages_is_not(tmp_path: Path, says: str, why: str) -> None:
    found = find_browser(search_path(tmp_path, "chromium", says), tmp_path / "cache")
    assert found.program is None
    assert why in found.origin


def test_where_there_is_none_the_tests_say_what_that_left_out(tmp_path: Path) -> None:
    found = find_browser({"PATH": str(tmp_path)}, tmp_path / "cache")
    assert found.program is None
    assert found.report() == [
        "NOT exercised: that a browser shows the pages which HXI writes.",
        "Chromium cannot be had. From the search path: there is no Chromium or Chrome."
        " From npm: there is no npm with node.",
    ]


def test_where_it_is_required_none_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(BrowserUnavailable, match="there is no npm"):
        find_browser({"PATH": str(tmp_path), REQUIRE_BROWSER: "1"}, tmp_path / "cache")
