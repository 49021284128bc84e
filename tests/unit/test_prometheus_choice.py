"""Which Prometheus the tests run, and that they say so where there is none."""

from pathlib import Path

import pytest

from tests.servers.prometheus import REQUIRE_PROMETHEUS, PrometheusUnavailable, find_prometheus


def programs(directory: Path, version: str) -> dict[str, str]:
    """Make a search path with a Prometheus of this version and nothing else."""
    for name in ("prometheus", "promtool"):
        program = directory / name
        program.write_text(f"#!/bin/sh\necho '{name}, version {version} (branch: any)'\n", "utf-8")
        program.chmod(0o755)
    return {"PATH": str(directory)}


@pytest.mark.parametrize("version", ["2.42.0+ds", "2.100.1", "3.0.0"])
def test_one_on_the_search_path_is_taken(tmp_path: Path, version: str) -> None:
    found = find_prometheus(programs(tmp_path, version), tmp_path / "cache")
    assert found.directory == tmp_path
    assert found.report() == [f"Prometheus: version {version} from the search path."]


@pytest.mark.parametrize("version", ["2.41.9", "1.99.0", "unknown"])
def test_one_that_cannot_read_our_rules_is_not(tmp_path: Path, version: str) -> None:
    found = find_prometheus(programs(tmp_path, version), tmp_path / "cache")
    assert found.directory is None
    assert "is not 2.42 or newer" in found.origin


def test_where_there_is_none_the_tests_say_what_that_left_out(tmp_path: Path) -> None:
    found = find_prometheus({"PATH": str(tmp_path)}, tmp_path / "cache")
    assert found.directory is None
    assert found.report() == [
        "NOT exercised: that alerts fire, and that Prometheus understands rules and panels.",
        "Prometheus cannot be had. From the search path: there is no prometheus with promtool."
        " From apt: there is no apt-get with dpkg-deb.",
    ]


def test_where_it_is_required_none_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(PrometheusUnavailable, match="there is no apt-get"):
        find_prometheus({"PATH": str(tmp_path), REQUIRE_PROMETHEUS: "1"}, tmp_path / "cache")
