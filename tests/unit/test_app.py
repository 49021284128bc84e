"""What the application does beside Faust when partitions come and go."""

import pytest

from agents.app import PipelineApp, create_app
from agents.owned import Owned
from agents.settings import Settings
from pipeline.dedup import SeenIds
from pipeline.fold import FoldPolicy
from pipeline.limits import Limits
from pipeline.moments import moment
from pipeline.seen_chunks import SeenChunks
from pipeline.sinks.contract import Claim
from pipeline.sinks.memory import MemorySink
from schema.rows import Partition
from tests.builders import EVENTS, NOON_US


class Consumer:
    """One that is assigned what it is told."""

    def __init__(self, *assigned: object) -> None:
        self._assigned = set(assigned)

    def assignment(self) -> set[object]:
        return self._assigned


@pytest.mark.parametrize(("consumer", "left"), [(Consumer(), set()), (Consumer(EVENTS), {EVENTS})])
async def test_a_rebalance_that_leaves_nothing_is_an_end_of_all_claims(
    consumer: Consumer, left: set[Partition]
) -> None:
    sink = MemorySink(lambda: moment(NOON_US), FoldPolicy())
    app: PipelineApp = create_app(Settings(), sink)
    app.consumer = consumer
    app.intake.assigned = {EVENTS}
    app.intake.owned = {EVENTS: Owned(sink, SeenIds(60, 100, Limits()), SeenChunks(Limits()), Claim(1, 0), 0)}
    app.on_rebalance_start()
    app.on_rebalance_end()
    assert app.intake.assigned == set(app.intake.owned) == left
