"""What operators see of a worker: trouble in its metrics and health before its users see any."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from kafka import KafkaProducer
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from agents import metrics
from agents.embedded import Postgres
from agents.web import SPARE
from pipeline.sinks.migrations import migrate
from schema.reasons import Reason
from tests.deployment import TABLES, Deployment, WorkerProcess, wait_until
from tests.servers.choice import Broker

SESSION = "0c6f4f5e-8f6c-4d7e-9a59-2f6b3c1d2e3f"
CLICK = {"session_id": SESSION, "event_type": "click", "timestamp": "2026-03-01T10:00:00Z", "x": 1, "y": 2}
STUCK_AFTER_S = "2"
HOLD = "SELECT FROM hxi_state.ledger WHERE app_id = %s FOR UPDATE"


def ask(worker: WorkerProcess, path: str) -> tuple[int, str]:
    """Return how the worker answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{worker.web_port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()


def families(worker: WorkerProcess) -> dict[str, Metric]:
    """Return the worker's metrics by the names that they are declared by."""
    return {family.name: family for family in text_string_to_metric_families(ask(worker, "/metrics")[1])}


def values(worker: WorkerProcess, family: str, suffix: str = "") -> dict[tuple[str, ...], float]:
    """Return the samples of a metric by their labels' values, in the order of the labels' names."""
    samples = families(worker)[family].samples
    return {tuple(one.labels.values()): one.value for one in samples if one.name == family + suffix}


def lag_s(worker: WorkerProcess, deployment: Deployment) -> dict[int, float]:
    """Return by how many seconds each partition of the events is behind."""
    return by_partition(worker, deployment, "hxi_lag_seconds")


def held_back(worker: WorkerProcess, deployment: Deployment, what: str) -> dict[int, float]:
    """Return how much of each partition of the events is held back, in ``records`` or ``seconds``."""
    return by_partition(worker, deployment, f"hxi_held_back_{what}")


def by_partition(worker: WorkerProcess, deployment: Deployment, family: str) -> dict[int, float]:
    of_all = values(worker, family)
    return {int(number): value for (number, topic), value in of_all.items() if topic == deployment.topic("EVENTS")}


def send_click(deployment: Deployment, partition: int) -> None:
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap)
    producer.send(deployment.topic("EVENTS"), json.dumps(CLICK).encode(), SESSION.encode(), partition=partition)
    producer.close()


@contextmanager
def holding_the_ledger(deployment: Deployment) -> Iterator[None]:
    """Let nobody write while the block runs."""
    with psycopg.connect(deployment.database_url) as holder:
        assert holder.execute(HOLD, (deployment.environment["HXI_APP_ID"],)).rowcount == 4
        yield


@pytest.fixture
def fragile(broker: Broker, own_postgres: Postgres, tmp_path: Path) -> Iterator[Deployment]:
    """A deployment whose database server is the test's to stop."""
    migrate(own_postgres.address)
    with Deployment.open(broker.address, own_postgres.address, tmp_path) as deployment:
        yield deployment


def test_every_series_is_there_from_the_start_at_zero(deployment: Deployment) -> None:
    worker = deployment.start_worker(HXI_TOPIC_PARTITIONS="2")
    worker.wait_until_reading()
    partitions: set[tuple[str, ...]] = {
        (str(number), deployment.topic(kind)) for kind in ("EVENTS", "REPLAY") for number in range(2)
    }
    nothing_left = dict.fromkeys(partitions, 0.0)
    wait_until(lambda: values(worker, "hxi_lag_records") == nothing_left, "partitions show their lag")
    expected: dict[tuple[str, str], set[tuple[str, ...]]] = {
        ("hxi_dead_lettered", "_total"): {(reason.value,) for reason in Reason},
        ("hxi_rows", "_total"): {(table,) for table in (*TABLES, "latency_rollups")},
        ("hxi_retries", "_total"): {("database",), ("broker",), ("dead_letters",)},
        ("hxi_flush_phase_seconds", "_count"): {(phase,) for phase in metrics.PHASES},
        **{(f"hxi_lag_{unit}", ""): partitions for unit in ("records", "seconds")},
        **{(f"hxi_{end}_to_commit_seconds", "_count"): {()} for end in ("append", "client")},
        **{(f"hxi_{name}", "_total"): {()} for name in ("received", "late", "rage_clicks", "data_loss_suspected")},
    }
    for (family, suffix), labels in expected.items():
        assert values(worker, family, suffix) == dict.fromkeys(labels, 0.0), family
    assert {family for family in families(worker) if family.startswith("hxi_")} == {
        name.partition("{")[0].removesuffix("_total") for name in metrics.MEANINGS
    }
    (version,) = families(worker)["hxi_build_info"].samples
    assert version.labels["version"]
    recovered = values(worker, "hxi_recovery_seconds", "_count")
    assert recovered == {("claimed",): 1.0, ("first_read",): 0.0, ("caught_up",): 1.0}
    assert values(worker, "hxi_rebalances", "_total")[()] >= 1
    assert values(worker, "hxi_rebalance_seconds", "_count")[()] >= 1


def test_a_partition_that_is_stuck_shows_for_how_long_and_ends_the_workers_life(deployment: Deployment) -> None:
    worker = deployment.start_worker(HXI_TOPIC_PARTITIONS="2", HXI_HEALTH_STUCK_AFTER_S=STUCK_AFTER_S)
    worker.wait_until_reading()
    wait_until(lambda: lag_s(worker, deployment) == {0: 0.0, 1: 0.0}, "both partitions are idle")
    with holding_the_ledger(deployment):
        send_click(deployment, partition=1)
        wait_until(lambda: lag_s(worker, deployment)[1] > 0, "the lag shows")
        first = lag_s(worker, deployment)[1]
        wait_until(lambda: lag_s(worker, deployment)[1] > first + 1, "the lag grows")
        assert lag_s(worker, deployment)[0] == 0
        assert values(worker, "hxi_lag_records")["1", deployment.topic("EVENTS")] == 1
        assert values(worker, "hxi_pending_events")[()] == 1
        wait_until(lambda: ask(worker, "/livez")[0] == 503, "it is no longer alive")
        why = ask(worker, "/livez")[1]
        assert why.startswith(f"not alive: {deployment.topic('EVENTS')}[1] stands at 0, 1 records left, for ")
    deployment.wait_until_drained()
    wait_until(lambda: ask(worker, "/livez") == (200, "alive\n"), "it is alive again")
    wait_until(lambda: lag_s(worker, deployment) == {0: 0.0, 1: 0.0}, "nothing is left")
    assert worker.running


@pytest.mark.usefixtures("needs_apache_kafka")
def test_a_transaction_that_a_producer_leaves_open_is_shown_and_nothing_to_be_behind_of(deployment: Deployment) -> None:
    worker = deployment.start_worker(HXI_TOPIC_PARTITIONS="2")
    worker.wait_until_reading()
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap, transactional_id=deployment.topic("EVENTS"))
    producer.init_transactions()
    producer.begin_transaction()
    producer.send(deployment.topic("EVENTS"), b"{}", partition=0).get(timeout=30)
    with holding_the_ledger(deployment):
        send_click(deployment, partition=1)
        wait_until(lambda: lag_s(worker, deployment)[1] > 0, "the lag of what came later shows")
        assert lag_s(worker, deployment)[0] == 0
    send_click(deployment, partition=0)
    wait_until(
        lambda: held_back(worker, deployment, "records") == {0: 2, 1: 0}, "it is said to hold back what is behind"
    )
    wait_until(lambda: held_back(worker, deployment, "seconds")[0] > 2, "and for how long")
    assert held_back(worker, deployment, "seconds")[1] == 0
    assert lag_s(worker, deployment)[0] == 0
    assert ask(worker, "/livez") == (200, "alive\n")
    producer.commit_transaction()
    producer.close()
    wait_until(lambda: values(worker, "hxi_received", "_total")[()] == 3, "all are settled")
    wait_until(lambda: held_back(worker, deployment, "records") == {0: 0, 1: 0}, "nothing is held back")
    assert held_back(worker, deployment, "seconds") == {0: 0, 1: 0}
    wait_until(
        lambda: lag_s(worker, deployment) == {0: 0.0, 1: 0.0}, "nothing is left, the transaction's marker neither"
    )


def test_a_worker_without_its_database_says_so_and_does_not_die_of_it_twice(
    fragile: Deployment, own_postgres: Postgres
) -> None:
    first = fragile.start_worker(HXI_TOPIC_PARTITIONS="2", HXI_HEALTH_STUCK_AFTER_S=STUCK_AFTER_S)
    first.wait_until_reading()
    wait_until(lambda: ask(first, "/readyz") == (200, "ready\n"), "it is ready")
    own_postgres.kill()
    wait_until(lambda: ask(first, "/readyz")[0] == 503, "it is not ready although nothing is to be done")
    assert ask(first, "/readyz")[1].startswith("not ready: the database does not answer; what waits for it: ")
    assert ask(first, "/livez") == (200, "alive\n")
    send_click(fragile, partition=0)
    wait_until(lambda: ask(first, "/livez")[0] == 503, "it is no longer alive")
    assert first.terminate() == 0

    second = fragile.start_worker(HXI_HEALTH_STUCK_AFTER_S=STUCK_AFTER_S)
    wait_until(lambda: second.metric("hxi_retries_total") >= 7, "it has tried for more than 6 s")
    assert ask(second, "/livez") == (200, "alive\n")
    assert ask(second, "/readyz") == (
        503,
        "not ready: the database does not answer; what waits for it: Checking the database\n",
    )
    own_postgres.restart()
    fragile.wait_until_drained()
    wait_until(lambda: ask(second, "/readyz") == (200, "ready\n"), "it is ready")
    wait_until(lambda: lag_s(second, fragile) == {0: 0.0, 1: 0.0}, "nothing is left")
    assert values(second, "hxi_recovery_seconds", "_count")[("first_read",)] == 1


def test_a_worker_without_partitions_is_ready_to_replace_another_as_a_rollout_waits_for(deployment: Deployment) -> None:
    first = deployment.start_worker(HXI_TOPIC_PARTITIONS="1")
    first.wait_until_reading()
    second = deployment.start_worker()
    assert second.metric("hxi_partitions") == 0
    both = {first, second}

    def spare() -> set[WorkerProcess]:
        return {one for one in both if ask(one, "/readyz") == (200, f"{SPARE}\n")}

    wait_until(lambda: len(spare()) == 1, lambda: "; ".join(ask(one, "/readyz")[1] for one in both))
    (idle,) = spare()
    (busy,) = both - {idle}
    wait_until(lambda: ask(busy, "/readyz") == (200, "ready\n"), "the other has them all")
    wait_until(lambda: values(idle, "hxi_lag_seconds") == {}, "no lag of partitions that others have")
    assert ask(idle, "/livez") == (200, "alive\n")

    assert busy.terminate() == 0
    send_click(deployment, partition=0)
    deployment.wait_until_drained()
    wait_until(lambda: ask(idle, "/readyz") == (200, "ready\n"), "it has taken over")
