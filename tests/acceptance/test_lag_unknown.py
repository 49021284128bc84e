"""A worker that cannot know how far behind it is does not say that it is not; one that waits to claim says how far."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.test_health import STUCK_AFTER_S, ask, holding_the_ledger, lag_s, send_click, values
from tests.deployment import Deployment, WorkerProcess, wait_until
from tests.servers.choice import KillableBroker


@pytest.fixture
def on_own_broker(own_broker: KillableBroker, database_url: str, tmp_path: Path) -> Iterator[Deployment]:
    """A deployment whose broker is the test's to stop."""
    with Deployment.open(own_broker.address, database_url, tmp_path) as deployment:
        yield deployment


def lag_records(worker: WorkerProcess, deployment: Deployment) -> dict[int, float]:
    lags = values(worker, "hxi_lag_records")
    return {int(number): lag for (number, topic), lag in lags.items() if topic == deployment.topic("EVENTS")}


def test_a_worker_cut_off_from_kafka_says_that_it_does_not_know(
    on_own_broker: Deployment, own_broker: KillableBroker
) -> None:
    worker = on_own_broker.start_worker(HXI_TOPIC_PARTITIONS="2")
    worker.wait_until_reading()
    wait_until(lambda: lag_s(worker, on_own_broker) == {0: 0.0, 1: 0.0}, "it is known that nothing is left")
    own_broker.kill()
    repeated = values(worker, "hxi_retries", "_total")[("broker",)]
    heard = values(worker, "hxi_lag_refreshed_timestamp_seconds")
    wait_until(lambda: all(map(math.isnan, lag_s(worker, on_own_broker).values())), "it is unknown what is left")
    assert all(map(math.isnan, lag_records(worker, on_own_broker).values()))
    assert values(worker, "hxi_retries", "_total")[("broker",)] > repeated
    silent = values(worker, "hxi_lag_refreshed_timestamp_seconds")
    assert silent.keys() == heard.keys()
    assert all(0 <= silent[key] - heard[key] < 10 for key in heard)
    status, said = ask(worker, "/readyz")
    assert (status, said.partition(";")[0]) == (503, "not ready: the broker does not answer")
    assert ask(worker, "/livez") == (200, "alive\n")
    own_broker.restart()
    wait_until(lambda: lag_s(worker, on_own_broker) == {0: 0.0, 1: 0.0}, "it is known again")
    assert all(values(worker, "hxi_lag_refreshed_timestamp_seconds")[key] > heard[key] for key in heard)


def test_a_claim_that_waits_shows_what_is_left_and_costs_the_life_only_where_something_is(
    deployment: Deployment,
) -> None:
    first = deployment.start_worker(HXI_TOPIC_PARTITIONS="2")
    first.wait_until_reading()
    send_click(deployment, partition=1)
    deployment.wait_until_drained()
    assert first.terminate() == 0
    with holding_the_ledger(deployment):
        second = deployment.start_worker(HXI_HEALTH_STUCK_AFTER_S=STUCK_AFTER_S)
        assert second.metric("hxi_partitions") == 0
        wait_until(lambda: lag_records(second, deployment) == {0: 0.0, 1: 0.0}, "nothing is left to claim")
        assert second.claims() == []
        assert values(second, "hxi_ledger_offset")["1", deployment.topic("EVENTS")] == 1
        said = f"{len(values(second, 'hxi_lag_records'))} partitions are being claimed"
        wait_until(lambda: ask(second, "/readyz") == (503, f"not ready: {said}\n"), "it waits for its claim")
        assert ask(second, "/livez") == (200, "alive\n")
        send_click(deployment, partition=1)
        wait_until(lambda: lag_records(second, deployment) == {0: 0.0, 1: 1.0}, "what is left shows")
        wait_until(lambda: lag_s(second, deployment)[1] > float(STUCK_AFTER_S), "for how long shows")
        status, why = ask(second, "/livez")
        assert (status, second.claims()) == (503, [])
        assert why.startswith(f"not alive: {deployment.topic('EVENTS')}[1] stands at 1, 1 records left, for ")
    deployment.wait_until_drained()
    wait_until(lambda: ask(second, "/livez") == (200, "alive\n"), "it is alive again")
