"""The network between workers and servers is cut, forgets connections and crawls, and nothing is lost or doubled."""

from collections.abc import Mapping

import pytest

from tests.faults.campaign import Campaign, Named
from tests.faults.network_faults import (
    LATENCY,
    MINUTES_S,
    NARROW,
    cut,
    half_open,
    reset,
    slow,
    stalled,
    to_kafka,
    to_postgres,
)
from tests.faults.plan import campaigns
from tests.faults.producing import Order
from tests.faults.verdict import put_to_the_test

NETWORK = {
    "cut from PostgreSQL": (cut(to_postgres), 1, 9),
    "cut from Kafka": (cut(to_kafka), 0, 9),
    "cut from PostgreSQL for minutes": (cut(to_postgres, MINUTES_S), 0, 2),
    "cut from Kafka for minutes": (cut(to_kafka, MINUTES_S), 0, 2),
    "stalled to PostgreSQL": (stalled(to_postgres), 0, 8),
    "stalled to Kafka": (stalled(to_kafka), 1, 8),
    "reset from PostgreSQL": (reset(to_postgres), 0, 9),
    "reset from Kafka": (reset(to_kafka), 0, 9),
    "half-open to PostgreSQL": (half_open(to_postgres), 1, 8),
    "half-open to Kafka": (half_open(to_kafka), 0, 8),
    "200 ± 100 ms to PostgreSQL": (slow(to_postgres, LATENCY), 0, 8),
    "200 ± 100 ms to Kafka": (slow(to_kafka, LATENCY), 1, 8),
    "64 kB/s to PostgreSQL": (slow(to_postgres, NARROW), 1, 8),
    "64 kB/s to Kafka": (slow(to_kafka, NARROW), 0, 8),
}
ORDER = Order(records_per_s=75)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("wanted", campaigns("network", NETWORK))
def test_the_network_may_fail_in_any_way(campaign: Campaign, wanted: Mapping[Named, int]) -> None:
    campaign.everything_proxied = True
    put_to_the_test(campaign, wanted, ORDER)
