"""Calm runs: what one worker makes of the same records when nothing happens to it."""

from collections import Counter
from collections.abc import Iterable

from kafka import KafkaProducer

from agents.embedded import Postgres
from schema.rows import Record
from tests.conftest import drop_database, new_database
from tests.deployment import TABLES, Deployment, Tables, fresh_name, wait_until

JUDGED_WITHIN_S = 120.0
DRAINED_WITHIN_S = 240.0


def wait_until_at_rest(deployment: Deployment) -> None:
    """Wait until every session has ended by quiet and is judged."""
    wait_until(
        lambda: deployment.query("SELECT count(*) FROM sessions WHERE end_time IS NULL") == [(0,)],
        "every session has ended",
        JUDGED_WITHIN_S,
    )
    wait_until(lambda: deployment.count("hxi_state.unjudged") == 0, "every session is judged", JUDGED_WITHIN_S)


def calm_tables(deployment: Deployment, postgres: Postgres, records: Iterable[Record] | None = None) -> Tables:
    """Return what a run without any trouble makes of the same topics, or of ``records`` on topics of their own."""
    for worker in deployment.workers:
        worker.close()
    database = fresh_name("calm")
    calm = deployment.beside(new_database(postgres.address, database))
    calm.hxi("migrate")
    if records is not None:
        _publish_anew(calm, records)
    calm.start_worker()
    calm.wait_until_drained(DRAINED_WITHIN_S)
    wait_until_at_rest(calm)
    calm.workers[-1].terminate()
    tables = calm.tables()
    drop_database(postgres.address, database)
    return tables


def _publish_anew(calm: Deployment, records: Iterable[Record]) -> None:
    """Give the deployment topics of its own, and in them these records with their partitions, order and times."""
    own = {calm.topic(kind): (f"HXI_{kind}_TOPIC", fresh_name("calm")) for kind in ("EVENTS", "REPLAY", "DEAD_LETTER")}
    calm.environment |= dict(own.values())
    calm.hxi("publish", "/dev/null")  # makes the topics
    producer = KafkaProducer(bootstrap_servers=calm.bootstrap, acks="all", linger_ms=10)
    try:
        sent = [
            producer.send(
                own[record.partition.topic][1],
                key=record.key,
                value=record.value,
                partition=record.partition.number,
                timestamp_ms=record.arrival_us // 1000,
            )
            for record in records
        ]
        producer.flush()
        assert all(future.succeeded() for future in sent)
    finally:
        producer.close()


def without_offsets(tables: Tables) -> Tables:
    """Return the tables without what tells offsets: the last column but one of replay chunks."""
    chunks = tables["session_replay_chunks"]
    return tables | {"session_replay_chunks": Counter((*row[:-2], row[-1]) for row in chunks.elements())}


def assert_filled(tables: Tables) -> None:
    """Check that the traffic has filled every table: two empty ones are alike, whatever is wrong."""
    empty = [table for table in (*TABLES, "latency_rollups") if not tables[table]]
    assert not empty, f"nothing is in {', '.join(empty)}"
