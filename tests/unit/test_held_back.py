"""What an open transaction holds back is shown, for as long as the same one has been seen to."""

import math
from collections.abc import Iterator

import pytest

from agents import metrics
from agents.held_back import HeldBack
from agents.intake import Intake
from agents.offsets import Fetched
from agents.settings import Settings
from pipeline.fold import FoldPolicy
from pipeline.moments import moment
from pipeline.sinks.memory import MemorySink
from schema.rows import Partition

ONE, TWO = Partition("held", 1), Partition("held", 2)


class Scene:
    """Two partitions that are assigned, and what fetches say of them."""

    def __init__(self) -> None:
        sink = MemorySink(lambda: moment(0), FoldPolicy())
        self.intake = Intake(Settings(), sink, lambda: pytest.fail("nobody reads"), lambda error: None)
        self.intake.assigned = {ONE}
        self.answers: dict[Partition, Fetched] = {}
        self._held_back = HeldBack(self.intake, lambda: self)

    def fetched(self) -> dict[Partition, Fetched]:
        return self.answers

    def look(self) -> dict[Partition, tuple[float, float]]:
        """Return records and seconds by partition."""
        self._held_back.look()
        records, seconds = shown(metrics.HELD_BACK), shown(metrics.HELD_BACK_SECONDS)
        return {partition: (records[partition], seconds[partition]) for partition in records}

    def after(self, end: int, stable_end: int, at_s: float) -> tuple[float, float]:
        """Return what is said of the first partition after a fetch was answered so."""
        self.answers[ONE] = Fetched(end, stable_end, at_s)
        return self.look()[ONE]


def shown(gauge: object) -> dict[Partition, float]:
    samples = gauge.collect()[0].samples  # type: ignore[attr-defined]
    found = {Partition(one.labels["topic"], int(one.labels["partition"])): one.value for one in samples}
    return {partition: value for partition, value in found.items() if partition.topic == ONE.topic}


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.intake.assigned = set()
    made.look()


def test_nothing_is_said_of_a_partition_that_was_not_fetched(scene: Scene) -> None:
    assert all(map(math.isnan, scene.look()[ONE]))


def test_without_a_transaction_nothing_is_held_back_however_long_nothing_comes(scene: Scene) -> None:
    assert [scene.after(7, 7, at_s) for at_s in (0, 1000)] == [(0, 0), (0, 0)]


# stable end: 5    5    5     8          8   9
# end:        6   10   20    20    ...  20   9
def test_the_time_is_that_since_which_the_same_offset_is_not_handed_out(scene: Scene) -> None:
    assert scene.after(6, 5, 100) == (1, 0)
    assert scene.after(10, 5, 102) == (5, 2)
    assert scene.after(20, 5, 160) == (15, 60)
    assert scene.after(20, 8, 162) == (12, 0)
    assert scene.after(20, 8, 170) == (12, 8)
    assert scene.after(20, 20, 171) == (0, 0)


def test_what_no_fetch_has_confirmed_lasts_no_longer(scene: Scene) -> None:
    scene.after(6, 5, 100)
    scene.after(6, 5, 103)
    assert [scene.look()[ONE] for _ in range(2)] == [(1, 3), (1, 3)]


def test_partitions_of_others_are_no_longer_shown(scene: Scene) -> None:
    scene.after(6, 5, 100)
    scene.intake.assigned = {TWO}
    assert scene.look().keys() == {TWO}
    scene.intake.assigned = {ONE}
    assert scene.after(6, 5, 900) == (1, 0)
