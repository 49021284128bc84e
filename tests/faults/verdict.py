"""The judgement on a campaign: what the topics hold, and what the tables must hold because of it."""

import json
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg

from agents.decoder import Decoder
from agents.embedded import Postgres
from agents.settings import Settings
from pipeline.moments import moment
from schema.json_text import parse
from schema.rows import ChunkRow, EventRow, KeptChunk, KeptEvent, Partition, Record
from tests import reference
from tests.builders import decoded_by
from tests.deployment import Deployment, assert_same_tables
from tests.faults.accounting import Topics, assert_accounted_for, logged
from tests.faults.calm import (
    DRAINED_WITHIN_S,
    assert_filled,
    calm_tables,
    wait_until_at_rest,
    without_offsets,
)
from tests.faults.campaign import Campaign, Named
from tests.faults.dead_letters import Copies, assert_dead_letters
from tests.faults.producing import Order
from tests.results import (
    Results,
    emotions_at_once_in_postgres,
    emotions_in_postgres,
    expected_results,
    results_in_postgres,
    seen,
)

LONGEST_TRANSACTION_S = 5.0
"""Once everything is at rest."""


def put_to_the_test(campaign: Campaign, wanted: Mapping[Named, int], order: Order, copies: Copies = Copies.ANY) -> None:
    """Run the campaign under traffic, let it heal and drain, and judge what it has come to."""
    with campaign.traffic(order):
        campaign.staff()
        campaign.run(wanted)
    campaign.deployment.wait_until_drained(DRAINED_WITHIN_S)
    judge(campaign.deployment, campaign.postgres, campaign.directory.glob("produced-*.log"), copies)


def judge(deployment: Deployment, postgres: Postgres, produced: Iterable[Path], copies: Copies = Copies.ANY) -> None:
    """Check everything that a drained deployment holds, whose topics hold what was ``produced`` by these logs."""
    topics = read_back(deployment)
    assert_accounted_for(topics, logged(produced))
    assert_came_of(deployment, topics, copies)
    assert_same_tables(deployment.tables(), calm_tables(deployment, postgres))


def judge_without(
    deployment: Deployment, postgres: Postgres, topics: Topics, gone: Topics | None = None, *, copies: Copies
) -> None:
    """Check that a drained deployment holds just what ``topics`` come to, which are not what its topics hold now.

    Nothing of what is ``gone`` is in the tables; some of it may be among the dead letters.
    """
    assert_came_of(deployment, topics, copies, gone)
    actual = deployment.tables()
    assert_same_tables(without_offsets(actual), without_offsets(calm_tables(deployment, postgres, topics.records)))


def assert_came_of(deployment: Deployment, topics: Topics, copies: Copies, gone: Topics | None = None) -> None:
    """Check against the topics what the tables, the dead letters and the ledger hold."""
    assert deployment.deserters() == []
    wait_until_at_rest(deployment)
    assert deployment.ledger().items() >= {at: end for at, end in deployment.ends().items() if end > 0}.items()
    assert_filled(deployment.tables())
    assert_events_once(deployment, topics)
    assert_chunks_once(deployment, topics)
    assert_dead_letters(deployment, topics, copies, gone)
    assert_results(deployment, topics)
    assert_nobody_idle_in_transaction(deployment)
    assert_no_ledger_moved(deployment)


def read_back(deployment: Deployment) -> Topics:
    """Return what the source topics hold."""
    return decode(deployment, [*deployment.records("EVENTS"), *deployment.records("REPLAY")])


def decode(deployment: Deployment, *generations: Iterable[Any]) -> Topics:
    """Return what records of the source topics come to, of topics that were made again one generation after another."""
    settings = Settings()
    decoder = Decoder(settings.decode_policy(), deployment.topic("REPLAY"))
    records = [
        Record(Partition(r.topic, r.partition), r.offset, r.timestamp * 1000, r.key, r.value)
        for found in generations
        for r in sorted(found, key=lambda r: (r.topic, r.partition, r.offset))
    ]
    return Topics(records, decoded_by(decoder, records))


def assert_events_once(deployment: Deployment, topics: Topics) -> None:
    """Check that each accepted event is in the table exactly once, by the hash of its content."""
    expected = Counter(content_hash(_columns(event)) for event in distinct(topics.decoded.events))
    names = ", ".join(EventRow._fields)
    rows = deployment.query(f"SELECT {names} FROM events")
    actual = Counter(content_hash(dict(zip(EventRow._fields, row, strict=True))) for row in rows)
    missing, extra = expected - actual, actual - expected
    assert not missing, f"{missing.total()} of {expected.total()} events are missing"
    assert not extra, f"{extra.total()} events too many beside {expected.total()}"


def assert_chunks_once(deployment: Deployment, topics: Topics) -> None:
    """Check that of each accepted replay chunk the first that came is in the table, exactly once."""
    first: dict[tuple[Any, int], KeptChunk] = {}
    for chunk in topics.decoded.chunks:
        first.setdefault((chunk.session_id, chunk.chunk_index), chunk)
    expected = Counter(
        content_hash(
            ChunkRow(
                chunk.session_id,
                chunk.chunk_index,
                parse(chunk.chunk_data),
                moment(chunk.time_us),
                chunk.place.offset,
            )._asdict()
        )
        for chunk in first.values()
    )
    rows = deployment.query(f"SELECT {', '.join(ChunkRow._fields)} FROM session_replay_chunks")
    actual = Counter(content_hash(ChunkRow(*row)._asdict()) for row in rows)
    missing, extra = expected - actual, actual - expected
    assert not missing | extra, f"{missing.total()} of {expected.total()} chunks are missing, {extra.total()} too many"


def assert_results(deployment: Deployment, topics: Topics) -> None:
    """Check the windowed results against the reference, and emotions against one judgement of all events."""
    expected = expected_results(map(seen, distinct(topics.decoded.events)), reference.RULES["hxi"], percentiles=True)
    with psycopg.connect(deployment.database_url) as connection:
        actual = results_in_postgres(connection)
        assert emotions_in_postgres(connection) == emotions_at_once_in_postgres(connection)
    for name in Results.__dataclass_fields__:
        assert getattr(actual, name) == getattr(expected, name), f"{name} differ from the reference"


def assert_nobody_idle_in_transaction(deployment: Deployment) -> None:
    """Check that no session of the database, whoever's it is, stays in a transaction."""
    lasting = lasting_through(lambda: _transactions(deployment), LONGEST_TRANSACTION_S)
    assert not lasting, f"in a transaction for {LONGEST_TRANSACTION_S:g} s and longer: {lasting}"


def lasting_through(look: Callable[[], Collection[Any]], patience_s: float) -> set[Any]:
    """Return what is there now and every time that somebody looks within ``patience_s``."""
    lasting = set(look())
    deadline = time.monotonic() + patience_s
    while lasting and time.monotonic() < deadline:
        time.sleep(0.1)
        lasting &= set(look())
    return lasting


def _transactions(deployment: Deployment) -> list[tuple[Any, ...]]:
    """Return the sessions that are in a transaction, all but our own, and when they began it."""
    with psycopg.connect(deployment.database_url) as connection:
        assert connection.info.parameter_status("is_superuser") == "on", "others' sessions are hidden"
        return connection.execute("""
            SELECT pid, application_name, xact_start::text FROM pg_stat_activity
            WHERE datname = current_database() AND backend_type = 'client backend'
                AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
        """).fetchall()


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
