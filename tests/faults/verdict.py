"""The judgement on a campaign: what the topics hold, and what the tables must hold because of it."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from agents.decoder import Decoded, Decoder
from agents.embedded import Postgres
from agents.settings import Settings
from pipeline.moments import moment
from schema.json_text import parse
from schema.rows import EventRow, KeptEvent, Partition, Place, Record
from tests import reference
from tests.conftest import drop_database, new_database
from tests.deployment import Deployment, Tables, assert_same_tables, fresh_name, wait_until
from tests.faults.campaign import Campaign, Named
from tests.faults.producing import Order
from tests.results import (
    Results,
    emotions_at_once_in_postgres,
    emotions_in_postgres,
    expected_results,
    results_in_postgres,
    seen,
)

JUDGED_WITHIN_S = 120.0
DRAINED_WITHIN_S = 240.0


class Topics(NamedTuple):
    """What the source topics hold, record by record, and what decoding makes of it."""

    records: dict[tuple[str, int, int], bytes]
    decoded: Decoded


def put_to_the_test(campaign: Campaign, wanted: Mapping[Named, int], order: Order) -> None:
    """Run the campaign under traffic, let it heal and drain, and judge what it has come to."""
    with campaign.traffic(order) as produced:
        campaign.staff()
        campaign.run(wanted)
    campaign.deployment.wait_until_drained(DRAINED_WITHIN_S)
    judge(campaign.deployment, campaign.postgres, [produced])


def judge(deployment: Deployment, postgres: Postgres, produced: Iterable[Path]) -> None:
    """Check everything that a drained deployment holds."""
    assert deployment.deserters() == []
    topics = read_back(deployment)
    assert_kafka_kept(topics, produced)
    wait_until_at_rest(deployment)
    assert deployment.ledger().items() >= {at: end for at, end in deployment.ends().items() if end > 0}.items()
    assert_events_once(deployment, topics)
    assert_dead_letters(deployment, topics)
    assert_results(deployment, topics)
    assert_nobody_idle_in_transaction(deployment)
    assert_no_ledger_moved(deployment)
    assert_same_tables(deployment.tables(), calm_tables(deployment, postgres))


def calm_tables(deployment: Deployment, postgres: Postgres) -> Tables:
    """Return what a run without any trouble makes of the same topics."""
    for worker in deployment.workers:
        worker.close()
    database = fresh_name("calm")
    calm = deployment.beside(new_database(postgres.address, database))
    calm.hxi("migrate")
    calm.start_worker()
    calm.wait_until_drained(DRAINED_WITHIN_S)
    wait_until_at_rest(calm)
    calm.workers[-1].terminate()
    tables = calm.tables()
    drop_database(postgres.address, database)
    return tables


def read_back(deployment: Deployment) -> Topics:
    """Return what the source topics hold."""
    return decode(deployment, [*deployment.records("EVENTS"), *deployment.records("REPLAY")])


def decode(deployment: Deployment, found: Iterable[Any]) -> Topics:
    """Return what records of the source topics come to."""
    settings = Settings()
    decoder = Decoder(settings.decode_policy(), deployment.topic("REPLAY"))
    records = [
        Record(Partition(r.topic, r.partition), r.offset, r.timestamp * 1000, r.key, r.value)
        for r in sorted(found, key=lambda r: (r.topic, r.partition, r.offset))
    ]
    return Topics({(*r.partition, r.offset): r.value or b"" for r in records}, decoder.decode(records))


def assert_kafka_kept(topics: Topics, produced: Iterable[Path]) -> None:
    """Check the producer's log: what the broker took is there, and what was made bad is refused."""
    refused = {(*letter.place.partition, letter.place.offset) for letter in topics.decoded.dead_letters}
    for log in produced:
        for line in log.read_text().splitlines():
            topic, partition, offset, digest, badness = line.split()
            place = (topic, int(partition), int(offset))
            assert sha256(topics.records[place]).hexdigest() == digest, place
            assert badness == "none" or place in refused, place


def wait_until_at_rest(deployment: Deployment) -> None:
    """Wait until every session has ended by quiet and is judged."""
    wait_until(
        lambda: deployment.query("SELECT count(*) FROM sessions WHERE end_time IS NULL") == [(0,)],
        "every session has ended",
        JUDGED_WITHIN_S,
    )
    wait_until(lambda: deployment.count("hxi_state.unjudged") == 0, "every session is judged", JUDGED_WITHIN_S)


def assert_events_once(deployment: Deployment, topics: Topics) -> None:
    """Check that each accepted event is in the table exactly once, by the hash of its content."""
    expected = Counter(content_hash(_columns(event)) for event in distinct(topics.decoded.events))
    names = ", ".join(EventRow._fields)
    rows = deployment.query(f"SELECT {names} FROM events")
    actual = Counter(content_hash(dict(zip(EventRow._fields, row, strict=True))) for row in rows)
    missing, extra = expected - actual, actual - expected
    assert not missing, f"{missing.total()} of {expected.total()} events are missing"
    assert not extra, f"{extra.total()} events too many beside {expected.total()}"


def assert_dead_letters(deployment: Deployment, topics: Topics, gone: Topics | None = None) -> None:
    """Check that everything refused is in the dead letters with its place, reason and bytes; any number of times.

    What is ``gone`` from the topics may have been refused before, or not.
    """
    expected = _refused(topics)
    actual = {
        (_place(letter), dict(letter.headers)["reason"].decode(), letter.value or b"")
        for letter in deployment.records("DEAD_LETTER")
    }
    missing, extra = expected - actual, actual - expected - (_refused(gone) if gone else set())
    assert not missing | extra, f"{len(missing)} dead letters are missing, {len(extra)} too many"


def _refused(topics: Topics) -> set[tuple[Place, str, bytes]]:
    return {(letter.place, letter.reason.value, letter.value or b"") for letter in topics.decoded.dead_letters}


def assert_results(deployment: Deployment, topics: Topics) -> None:
    """Check the windowed results against the reference, and emotions against one judgement of all events."""
    expected = expected_results(map(seen, distinct(topics.decoded.events)), reference.RULES["hxi"], percentiles=True)
    with psycopg.connect(deployment.database_url) as connection:
        actual = results_in_postgres(connection)
        assert emotions_in_postgres(connection) == emotions_at_once_in_postgres(connection)
    for name in Results.__dataclass_fields__:
        assert getattr(actual, name) == getattr(expected, name), f"{name} differ from the reference"


def assert_nobody_idle_in_transaction(deployment: Deployment) -> None:
    """Check that no session was left in a transaction."""
    idle = deployment.query("""
        SELECT application_name, state, query FROM pg_stat_activity
        WHERE datname = current_database() AND state ~ '^idle in transaction' AND xact_start < now() - interval '5 s'
    """)
    assert not idle


def assert_no_ledger_moved(deployment: Deployment) -> None:
    """Check that no partition had two owners at once who both believed it to be theirs."""
    for worker in deployment.workers:
        assert "went back in time" not in worker.said(), f"{worker.name} and another both took a partition for theirs"


def distinct(events: Iterable[KeptEvent]) -> Iterator[KeptEvent]:
    """Yield the events, of those with the same id in a session the first that came."""
    known = set()
    for event in events:
        key = (event.session_id, event.event_uuid)
        if event.event_uuid is None or key not in known:
            known.add(key)
            yield event


def content_hash(columns: Mapping[str, Any]) -> str:
    """Return the digest of an event's columns, of its metadata as JSON."""
    return sha256(json.dumps(columns, sort_keys=True, default=str).encode()).hexdigest()


def _columns(event: KeptEvent) -> dict[str, Any]:
    shifted = event.client_us != event.time_us
    own = {name: getattr(event, name) for name in EventRow._fields if hasattr(event, name)}
    return own | {
        "timestamp": moment(event.time_us),
        "client_time": moment(event.client_us) if shifted else None,
        "metadata": parse(event.metadata) if event.metadata else None,
    }


def _place(letter: Any) -> Place:
    headers = {name: value.decode() for name, value in letter.headers}
    index = int(headers["source_index"]) if "source_index" in headers else None
    return Place(
        Partition(headers["source_topic"], int(headers["source_partition"])), int(headers["source_offset"]), index
    )
