"""What the fault suite plans, publishes and reports is what it says."""

from itertools import islice
from math import sqrt

import pytest

from tests.faults import plan
from tests.faults.log import Fault, table
from tests.faults.producing import Order, parcels
from tests.servers.link import Shape

RECORDS = 5_000


def fault(recovery_s: float | None, name: str = "at a random moment") -> Fault:
    return Fault("campaign", "SIGKILL", name, "2026-01-01 00:00:00.000", 2.0, recovery_s, "ended by SIGKILL")


def test_the_table_counts_every_fault_and_only_the_recoveries_that_there_were() -> None:
    faults = [fault(None), fault(None), fault(4.0), fault(8.0), fault(None, "unrecovered")]
    assert table(faults)[2:] == [
        "| SIGKILL: at a random moment | 4 | 2.0 | 6.0 | 8.0 |",
        "| SIGKILL: unrecovered | 1 | 2.0 | none | none |",
    ]


@pytest.mark.parametrize("share", [0.01, 0.02, 0.5])
def test_as_many_records_are_bad_as_the_order_says(share: float) -> None:
    made = islice(parcels(Order(records_per_s=1.0, bad_share=share, seed=3)), RECORDS)
    bad = sum(parcel.badness != "none" for parcel in made)
    assert abs(bad - share * RECORDS) < 4 * sqrt(RECORDS * share * (1 - share))


def test_a_named_fault_fires_at_least_once_and_others_stay_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "_known", {})
    monkeypatch.setattr(plan, "ALL", False)
    monkeypatch.setattr(plan, "ONLY", "to Kafka")
    assert plan.times("network: half-open to Kafka", 0, 8) == 1
    assert plan.times("network: half-open to PostgreSQL", 1, 8) == 0
    plan.refuse_to_try_nothing()


def test_a_name_that_no_fault_has_ends_the_run_with_those_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "_known", {})
    monkeypatch.setattr(plan, "ONLY", "nonsense")
    assert plan.times("poison: 50 %", 1, 5) == 0
    with pytest.raises(pytest.UsageError, match=r"'nonsense' is in no name of a fault here[^:]*:\n  poison: 50 %"):
        plan.refuse_to_try_nothing()


@pytest.mark.parametrize(
    ("shape", "least_s"),
    [(Shape(), 0.0), (Shape(latency_s=0.2, jitter_s=0.1), 0.2), (Shape(bytes_per_s=64_000), 1.0)],
)
def test_a_slow_network_has_a_least_time(shape: Shape, least_s: float) -> None:
    assert shape.least_s(64_000) == pytest.approx(least_s)
