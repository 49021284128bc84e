"""How far behind a partition is said to be, and when a worker counts as stuck."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest

from agents import metrics
from agents.intake import Intake
from agents.lag import KNOWN_FOR_S, LagWatch
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
        self.end: dict[Partition, int] = {}
        self.time_s = 0.0
        self.first = 0
        self.leaderless: set[Partition] = set()
        self.watch = LagWatch(
            self.intake,
            lambda: self,
            self.sink,
            STUCK_AFTER_S,
            lambda: self.time_s,
            lambda: NOON_US + int(self.time_s * 1e6),
        )

    async def ends(self, partitions: Iterable[Partition], within_s: float) -> dict[Partition, int]:
        return {partition: self.end[partition] for partition in partitions if partition not in self.leaderless}

    async def bounds(self, partitions: Iterable[Partition], within_s: float) -> dict[Partition, tuple[int, int]]:
        return {key: (self.first, end) for key, end in (await self.ends(partitions, within_s)).items()}

    def claim(self, partition: Partition, at: int = 0, first: int = 0) -> Owned:
        """Hand over a partition whose ledger stands at an offset, and whose records begin at another."""
        mine = Owned(self.sink, SeenIds(60, 100, Limits()), SeenChunks(Limits()), Claim(1, at), max(at, first))
        self.intake.assigned = self.intake.assigned | {partition}
        self.intake.owned[partition] = mine
        self.end.setdefault(partition, mine.read_to)
        return mine

    async def stand(self, partition: Partition, at: int) -> None:
        """Let the ledger stand there, in the database."""
        await self.sink.claim([partition])
        self.sink.ledger[partition] = replace(self.sink.ledger[partition], next_offset=at)

    async def at(self, time_s: float) -> dict[Partition, tuple[float, float]]:
        """Look so many seconds after noon; return the lag in records and seconds by partition."""
        self.time_s = time_s
        await self.watch.ask_ledger()
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


def retries() -> float:
    """Return how often asking a broker is said to have failed."""
    return float(metrics.RETRIES.labels("broker")._value.get())


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
    scene.end[ONE] = 10
    read(mine, 2, NOON_US - 5_000_000)
    read(mine, 3, NOON_US - 1_000_000)
    assert await scene.at(0) == {ONE: (10, 5)}
    assert await scene.at(3) == {ONE: (10, 8)}
    mine.flushed(2)
    assert await scene.at(3) == {ONE: (8, 4)}
    mine.flushed(3)
    scene.end[ONE] = 3
    assert await scene.at(4) == {ONE: (0, 0)}


async def test_what_arrives_ahead_of_our_clock_is_not_late(scene: Scene) -> None:
    read(scene.claim(ONE), 1, NOON_US + 9_000_000)
    assert await scene.at(0) == {ONE: (1, 0)}


async def test_what_is_not_read_lags_for_as_long_as_it_has_been_seen_to(scene: Scene) -> None:
    scene.claim(ONE, at=5)
    await scene.at(0)
    scene.end[ONE] = 6
    assert await scene.at(10) == {ONE: (1, 0)}
    assert await scene.at(25) == {ONE: (1, 15)}


async def test_records_that_retention_removed_are_not_waited_for(scene: Scene) -> None:
    scene.claim(ONE, at=5, first=100)
    assert await scene.at(0) == {ONE: (0, 0)}
    assert await scene.at(1000) == {ONE: (0, 0)}
    assert scene.watch.stuck() is None


async def test_a_broker_that_is_away_leaves_what_was_known_to_be_left_and_is_said_to_be(scene: Scene) -> None:
    mine = scene.claim(ONE)
    scene.end[ONE] = 4
    read(mine, 1, NOON_US)
    await scene.at(0)
    scene.leaderless = {ONE}
    before = retries()
    assert await scene.at(30) == {ONE: (4, 30)}
    assert retries() == before + 1
    assert away.reason() == "the broker does not answer; what waits for it: Asking where lagging[1] end"
    scene.leaderless = set()
    await scene.at(31)
    assert away.reason() is None


@pytest.mark.parametrize(("silent_s", "is_known"), [(KNOWN_FOR_S, True), (KNOWN_FOR_S + 1, False)])
async def test_nothing_left_is_no_longer_said_where_no_broker_says_so(
    scene: Scene, silent_s: float, is_known: bool
) -> None:
    scene.claim(ONE, at=4)
    scene.claim(TWO, at=4)
    await scene.at(100)
    scene.leaderless = {ONE}
    lag = await scene.at(100 + silent_s)
    assert lag[TWO] == (0, 0)
    assert lag[ONE] == ((0, 0) if is_known else (pytest.approx(math.nan, nan_ok=True),) * 2)
    assert shown(metrics.LAG_REFRESHED) == {ONE: NOON_US / 1e6 + 100, TWO: NOON_US / 1e6 + 100 + silent_s}
    assert scene.watch.stuck() is None


async def test_nothing_is_said_of_a_partition_before_broker_and_ledger_have_answered(scene: Scene) -> None:
    scene.intake.assigned = {ONE}
    scene.watch.look()
    assert [math.isnan(shown(gauge)[ONE]) for gauge in (metrics.LAG, metrics.LAG_SECONDS, metrics.LEDGER)] == [True] * 3
    assert shown(metrics.LAG_REFRESHED) == {ONE: 0}


async def test_what_is_not_claimed_yet_shows_its_lag_against_the_ledger_as_the_database_has_it(scene: Scene) -> None:
    await scene.stand(ONE, at=3)
    scene.intake.assigned = {ONE}
    scene.end[ONE] = 10
    assert await scene.at(0) == {ONE: (7, 0)}
    assert await scene.at(25) == {ONE: (7, 25)}
    assert shown(metrics.LEDGER) == {ONE: 3}
    scene.first = 8
    assert await scene.at(26) == {ONE: (2, 0)}
    scene.claim(ONE, at=3, first=8)
    assert await scene.at(40) == {ONE: (2, 14)}


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
    scene.end[ONE] = 5
    await scene.at(100)
    await scene.at(100 + still_s)
    said = f"lagging[1] stands at 3, 2 records left, for {still_s} s now"
    assert scene.watch.stuck() == (said if is_stuck else None)


# 0 ....... 50 ........... 109 | 110
#   behind     moved, behind       stuck
async def test_a_ledger_that_moves_is_not_stuck_however_far_behind(scene: Scene) -> None:
    mine = scene.claim(ONE)
    scene.end[ONE] = 1000
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
        scene.end[ONE] = 5
        await scene.at(second)
        await scene.stand(ONE, at=3)
        scene.intake.owned = {}
        assert (await scene.at(second))[ONE] == (2, second)
    assert scene.watch.stuck() == "lagging[1] stands at 3, 2 records left, for 60 s now"


async def test_a_claim_that_takes_long_is_stuck_where_something_is_left_and_not_where_nothing_is(scene: Scene) -> None:
    await scene.stand(ONE, at=3)
    scene.intake.assigned = {ONE}
    scene.end[ONE] = 3
    await scene.at(0)
    assert await scene.at(100_000) == {ONE: (0, 0)}
    assert scene.watch.stuck() is None
    scene.end[ONE] = 5
    await scene.at(100_100)
    await scene.at(100_160)
    assert scene.watch.stuck() == "lagging[1] stands at 3, 2 records left, for 60 s now"


async def test_a_claim_of_which_neither_ledger_nor_end_is_known_is_no_reason_to_be_started_anew(scene: Scene) -> None:
    scene.intake.assigned = {ONE, TWO}
    scene.leaderless = {ONE, TWO}
    await scene.at(0)
    await scene.at(100_000)
    assert scene.watch.stuck() is None


# 0: assigned ... 40: claimed, something left ... 60
async def test_a_slow_claim_and_what_comes_of_it_are_one_standstill(scene: Scene) -> None:
    await scene.stand(ONE, at=3)
    scene.intake.assigned = {ONE}
    scene.end[ONE] = 5
    await scene.at(0)
    scene.claim(ONE, at=3)
    await scene.at(40)
    assert scene.watch.stuck() is None
    await scene.at(60)
    assert scene.watch.stuck() == "lagging[1] stands at 3, 2 records left, for 60 s now"
