"""Metrics mean what the README says, and ages are counted as a histogram of Prometheus counts them."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from agents import metrics
from agents.bulk_histogram import BulkHistogram

README = Path(__file__).parents[2] / "README.md"
NOW_US = 1_790_000_000_000_000
BUCKETS = (0.5, 1, 60)


def documented() -> dict[str, str]:
    """Return the rows of the README's table of metrics."""
    section = README.read_text("utf-8").partition("\n### Metrics\n")[2].partition("\n#")[0]
    return dict(re.findall(r"^\| `(hxi_[^`]+)` \| (.+) \|$", section, re.MULTILINE))


def test_the_readme_lists_every_metric_with_its_labels_and_meaning() -> None:
    assert documented() == metrics.MEANINGS


def test_every_metric_has_a_meaning() -> None:
    families = {family.name for family in metrics.REGISTRY.collect() if family.name.startswith("hxi_")}
    names = {name.partition("{")[0].removesuffix("_total").removesuffix("_info") for name in metrics.MEANINGS}
    assert families == names


def test_no_metric_has_a_unit_but_seconds_and_bytes() -> None:
    assert not [name for name in metrics.MEANINGS if re.search(r"_(ms|us|milliseconds|kb|mb|minutes)\b", name)]


def one_by_one(ages_us: list[int]) -> bytes:
    """Return what Prometheus' own histogram says of these ages."""
    registry = CollectorRegistry()
    histogram = Histogram("age", "of something", buckets=BUCKETS, registry=registry)
    for age_us in ages_us:
        histogram.observe(max(0, age_us) / 1e6)
    return generate_latest(registry)


EDGES = [int(bound * 1_000_000) + off for bound in BUCKETS for off in (-1, 0, 1)]


@given(st.lists(st.lists(st.sampled_from(EDGES) | st.integers(-2_000_000, 100_000_000)), max_size=3))
def test_ages_are_counted_as_one_by_one_those_ahead_of_now_as_just_now(flushes: list[list[int]]) -> None:
    registry = CollectorRegistry()
    histogram = BulkHistogram("age", "of something", BUCKETS, registry)
    for ages_us in flushes:
        histogram.observe_ages([NOW_US - age_us for age_us in ages_us], NOW_US)
    alone = one_by_one([age_us for ages_us in flushes for age_us in ages_us])
    said, expected = samples(generate_latest(registry)), samples(alone)
    assert said.pop("age_sum") == pytest.approx(expected.pop("age_sum"), abs=1e-6)
    assert said == expected


def samples(text: bytes) -> dict[str, float]:
    """Return what is told, by series."""
    lines = [line.rsplit(" ", 1) for line in text.decode().splitlines() if not line.startswith("#")]
    return {series: float(value) for series, value in lines}
