"""The database server dies, fills up, refuses and is cut off, and nothing is lost or written twice."""

from collections.abc import Mapping

import pytest

from tests.faults.campaign import Campaign, Named
from tests.faults.database_faults import (
    connections_exhausted,
    cut_after_commit,
    cut_before_commit,
    disk_filled,
    immediate_shutdown,
    ledger_locked,
    writer_terminated,
)
from tests.faults.dead_letters import Copies
from tests.faults.plan import campaigns
from tests.faults.producing import Order
from tests.faults.verdict import put_to_the_test

DATABASE = {
    "immediate shutdown and restart": (immediate_shutdown, 2, 25),
    "writer's session ended during COPY": (writer_terminated, 2, 20),
    "ledger rows locked for 30 s": (ledger_locked, 1, 6),
    "cut off after COMMIT was sent": (cut_after_commit, 2, 20),
    "cut off before COMMIT": (cut_before_commit, 1, 10),
    "connection limit reached": (connections_exhausted, 1, 10),
}
DISK = {"disk full, then freed": (disk_filled, 1, 9)}
ORDER = Order(records_per_s=75)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("wanted", campaigns("PostgreSQL", DATABASE))
def test_the_database_may_fail_at_any_moment(campaign: Campaign, wanted: Mapping[Named, int]) -> None:
    put_to_the_test(campaign, wanted, ORDER, Copies.ONCE_PER_CLAIM)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("wanted", campaigns("PostgreSQL", DISK))
def test_the_disk_of_the_database_may_fill_up(campaign_on_small_disk: Campaign, wanted: Mapping[Named, int]) -> None:
    put_to_the_test(campaign_on_small_disk, wanted, ORDER, Copies.ONCE_PER_CLAIM)
