"""Prometheus' own promtool: rules and configuration are right, and alerts fire when they should and only then."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.monitoring import DEPLOY, RULE_TESTS

PROMETHEUS = DEPLOY / "prometheus"
TRIED = [file.relative_to(PROMETHEUS) for file in RULE_TESTS]

FLAPPING = {
    "HxiNothingClaimed": ("[1m:15s]) == 0\n        for: 90s", "[1m:15s]) == 0"),
    "HxiPartitionStuck": ("[1m:15s]) == 0\n        for: 45s", "[1m:15s]) >= 0"),
    "HxiServerAway": ("[1m])) > 0\n        for: 90s", "[1m])) > 0"),
    "HxiRecoveryHanging": ('(hxi_partitions{job="hxi"})\n        for: 90s', '(hxi_partitions{job="hxi"})'),
    "HxiFreshnessBurnsFast": ("> 14.4 * 0.01 and job", "> 14.4 * 0.01 or job"),
}
"""What of a rule keeps it from firing on a deploy or for too long, and how it would."""


def promtool(programs: Path, directory: Path, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [programs / "promtool", *arguments]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=240, check=False)


@pytest.mark.parametrize("configuration", ["prometheus.yml", "kubernetes.yml"])
def test_the_configurations_and_their_rules_are_right(prometheus_programs: Path, configuration: str) -> None:
    done = promtool(prometheus_programs, PROMETHEUS, "check", "config", configuration)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 rule files found" in done.stdout


def test_alerts_fire_in_trouble_and_not_on_a_deploy(prometheus_programs: Path) -> None:
    done = promtool(prometheus_programs, PROMETHEUS, "test", "rules", *TRIED)
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_that_flap_are_found(prometheus_programs: Path, tmp_path: Path) -> None:
    shutil.copytree(PROMETHEUS, tmp_path / "prometheus")
    rules = tmp_path / "prometheus/rules/hxi.yml"
    text = rules.read_text("utf-8")
    for right, wrong in FLAPPING.values():
        assert text.count(right) == 1
        text = text.replace(right, wrong)
    rules.write_text(text, "utf-8")
    done = promtool(prometheus_programs, tmp_path / "prometheus", "test", "rules", *TRIED)
    assert done.returncode == 1
    assert set(re.findall(r"alertname: ?(\w+), time", done.stdout + done.stderr)) == FLAPPING.keys()
