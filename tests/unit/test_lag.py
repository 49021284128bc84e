"""How far behind a partition is said to be, and when a worker counts as stuck."""

from collections.abc import Iterable, Iterator

import pytest
from aiokafka.errors import KafkaConnectionError

from agents import metrics
from agents.intake import Intake
from agents.lag import LagWatch
from agents.owned import Owned
from agents.retrying import away
from agents.settings import Settings
from pipeline.dedup import SeenIds
from pipeline.fold import FoldPolicy
from pipeline.limits import Limits
from pipeline.moments import moment
from pipeline.seen_chunks import SeenChunks
from pipeline.sinks.contract import Claim
from pipeline.sinks.memory import MemorySink
from schema.rows import Partition

ONE, TWO = Partition("lagging", 1), Partition("lagging", 2)
NOON_US = 1_790_000_000_000_000
STUCK_AFTER_S = 60


class Scene:
    """A watch over partitions whose ledgers, ends and clocks the test moves."""

    def __init__(self) -> None:
        self.sink = MemorySink(lambda: moment(NOON_US), FoldPolicy())
        self.intake = Intake(Settings(), self.sink, lambda: pytest.fail("nobody reads"), lambda error: None)
        self.ends: dict[Partition, int] = {}
        self.time_s = 0.0
        self.is_away = False
        self.watch = LagWatch(
            self.intake, self.ask, STUCK_AFTER_S, lambda: self.time_s, lambda: NOON_US + int(self.time_s * 1e6)
        )

    async def ask(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        if self.is_away:
            raise KafkaConnectionError
        return {partition: self.ends[partition] for partition in partitions}

    def claim(self, partition: Partition, at: int = 0, first: int = 0) -> Owned:
        """Hand over a partition whose ledger stands at an offset, and whose records begin at another."""
        mine = Owned(self.sink, SeenIds(60, 100, Limits()), SeenChunks(Limits()), Claim(1, at), max(at, first))
        self.intake.assigned = self.intake.assigned | {partition}
        self.intake.owned[partition] = mine
        self.ends.setdefault(partition, mine.read_to)
        return mine

    async def at(self, time_s: float) -> dict[Partition, tuple[float, float]]:
        """Look so many seconds after noon; return the lag in records and seconds by partition."""
        self.time_s = time_s
        await self.watch.ask()
        self.watch.look()
        records, seconds = shown(metrics.LAG), shown(metrics.LAG_SECONDS)
        assert records.keys() == seconds.keys()
        return {partition: (records[partition], seconds[partition]) for partition in records}


def shown(gauge: object) -> dict[Partition, float]:
    """Return what a gauge says of each partition here."""
    samples = gauge.collect()[0].samples  # type: ignore[attr-defined]
    found = {Partition(one.labels["topic"], int(one.labels["partition"])): one.value for one in samples}
    return {partition: value for partition, value in found.items() if partition.topic == ONE.topic}


def read(mine: Owned, end: int, arrival_us: int) -> None:
    """Take a batch in, as the intake does."""
    mine.folded_to = mine.read_to = end
    mine.took(end, arrival_us)


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.intake.assigned = set()
    made.watch.look()
    away.forget(made.watch)


async def test_an_idle_partition_is_not_behind_however_long_nothing_comes(scene: Scene) -> None:
    scene.claim(ONE, at=7)
    assert await scene.at(0) == {ONE: (0, 0)}
    assert await scene.at(100_000) == {ONE: (0, 0)}
    assert scene.watch.stuck() is None


# noon-5: record 0 arrives, noon-2: record 1, noon-1: record 2; the first two are one batch
async def test_lag_is_the_age_of_the_record_at_which_the_ledger_stands(scene: Scene) -> None:
    mine = scene.claim(ONE)
    scene.ends[ONE] = 10
    read(mine, 2, NOON_US - 5_000_000)
    read(mine, 3, NOON_US - 1_000_000)
    assert await scene.at(0) == {ONE: (10, 5)}
    assert await scene.at(3) == {ONE: (10, 8)}
    mine.flushed(2)
    assert await scene.at(3) == {ONE: (8, 4)}
    mine.flushed(3)
    scene.ends[ONE] = 3
    assert await scene.at(4) == {ONE: (0, 0)}


async def test_what_arrives_ahead_of_our_clock_is_not_late(scene: Scene) -> None:
    read(scene.claim(ONE), 1, NOON_US + 9_000_000)
    assert await scene.at(0) == {ONE: (1, 0)}


async def test_what_is_not_read_lags_for_as_long_as_it_has_been_seen_to(scene: Scene) -> None:
    scene.claim(ONE, at=5)
    await scene.at(0)
    scene.ends[ONE] = 6
    assert await scene.at(10) == {ONE: (1, 0)}
    assert await scene.at(25) == {ONE: (1, 15)}


async def test_records_that_retention_removed_are_not_waited_for(scene: Scene) -> None:
    scene.claim(ONE, at=5, first=100)
    assert await scene.at(0) == {ONE: (0, 0)}
    assert await scene.at(1000) == {ONE: (0, 0)}
    assert scene.watch.stuck() is None


async def test_a_broker_that_is_away_leaves_what_was_known_and_is_said_to_be(scene: Scene) -> None:
    mine = scene.claim(ONE)
    scene.ends[ONE] = 4
    read(mine, 1, NOON_US)
    await scene.at(0)
    scene.is_away = True
    assert await scene.at(30) == {ONE: (4, 30)}
    assert away.reason() == "the broker does not answer; what waits for it: Asking where the partitions end"
    scene.is_away = False
    await scene.at(31)
    assert away.reason() is None


async def test_partitions_of_others_are_no_longer_shown(scene: Scene) -> None:
    scene.claim(ONE)
    scene.claim(TWO)
    assert (await scene.at(0)).keys() == {ONE, TWO}
    scene.intake.assigned = {TWO}
    scene.intake.owned = {TWO: scene.intake.owned[TWO]}
    assert (await scene.at(1)).keys() == {TWO}


@pytest.mark.parametrize(("still_s", "is_stuck"), [(59, False), (60, True), (61, True)])
async def test_a_ledger_that_stands_with_something_left_is_stuck_after_the_bound(
    scene: Scene, still_s: float, is_stuck: bool
) -> None:
    scene.claim(ONE, at=3)
    scene.claim(TWO)
    scene.ends[ONE] = 5
    await scene.at(100)
    await scene.at(100 + still_s)
    said = f"lagging[1] stands at 3, 2 records left, for {still_s} s now"
    assert scene.watch.stuck() == (said if is_stuck else None)


# 0 ....... 50 ........... 109 | 110
#   behind     moved, behind       stuck
async def test_a_ledger_that_moves_is_not_stuck_however_far_behind(scene: Scene) -> None:
    mine = scene.claim(ONE)
    scene.ends[ONE] = 1000
    await scene.at(0)
    mine.flushed(1)
    await scene.at(50)
    await scene.at(109)
    assert scene.watch.stuck() is None
    await scene.at(110)
    assert scene.watch.stuck() is not None


async def test_claiming_again_and_again_is_no_progress(scene: Scene) -> None:
    for second in range(0, 61, 10):
        scene.claim(ONE, at=3)
        scene.ends[ONE] = 5
        await scene.at(second)
        scene.intake.owned = {}
        assert (await scene.at(second))[ONE] == (2, second)
    assert scene.watch.stuck() == "lagging[1] stands at 3, 2 records left, for 60 s now"


async def test_a_claim_that_takes_too_long_is_stuck_and_one_that_finds_nothing_is_not(scene: Scene) -> None:
    scene.intake.assigned = {ONE}
    assert await scene.at(0) == {ONE: (0, 0)}
    assert await scene.at(60) == {ONE: (0, 60)}
    assert scene.watch.stuck() == "lagging[1] waits to be claimed, for 60 s now"
    scene.claim(ONE, at=3)
    assert await scene.at(61) == {ONE: (0, 0)}
    assert scene.watch.stuck() is None


# 0: assigned ... 40: claimed, something left ... 60
async def test_a_slow_claim_and_what_comes_of_it_are_one_standstill(scene: Scene) -> None:
    scene.intake.assigned = {ONE}
    await scene.at(0)
    scene.claim(ONE, at=3)
    scene.ends[ONE] = 5
    await scene.at(40)
    assert scene.watch.stuck() is None
    await scene.at(60)
    assert scene.watch.stuck() == "lagging[1] stands at 3, 2 records left, for 60 s now"
