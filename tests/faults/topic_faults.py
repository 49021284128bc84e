"""Faults of topics and of the consumer group: gaps between offsets, records gone, group offsets gone or moved."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from itertools import islice
from typing import Any, NamedTuple

from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec
from kafka.errors import KafkaError

from tests.deployment import Deployment, WorkerProcess, fresh_name, wait_until
from tests.faults.campaign import Campaign, Fire
from tests.faults.plan import ALL
from tests.faults.producing import Order, parcels

IN_A_TRANSACTION = 200
"""Records."""

PATIENCE_S = 60.0

SEGMENT_MS = "5000"
"""By the records' own timestamps, which a hundred records move on by some ten seconds."""

At = tuple[str, int]
"""Topic and partition."""

Place = tuple[str, int, int]
"""Topic, partition and offset."""

Offsets = dict[At, int]


class Loss(NamedTuple):
    """What a worker said that it could not read: the offsets from ``begin`` to before ``end``."""

    topic: str
    partition: int
    begin: int
    end: int


class Ahead(NamedTuple):
    """A ledger that stands at ``offset``, which its partition, ending at ``end``, has not come to."""

    topic: str
    partition: int
    offset: int
    end: int


@contextmanager
def administering(deployment: Deployment) -> Iterator[KafkaAdminClient]:
    admin = KafkaAdminClient(bootstrap_servers=deployment.bootstrap)
    try:
        yield admin
    finally:
        admin.close()


def aborted_transactions(campaign: Campaign) -> list[str]:
    """Publish good events in a transaction and abort it; in the whole of the suite, commit others before."""
    order = Order(records_per_s=1.0, bad_share=0.0, seed=campaign.chance.getrandbits(32))
    found = iter(parcels(order))
    if ALL:
        committed = _in_a_transaction(campaign.deployment, found, KafkaProducer.commit_transaction)
        assert committed.keys() <= _readable(campaign.deployment)
        log = campaign.directory / f"produced-{fresh_name('transaction')}.log"
        log.write_text("".join(f"{' '.join(map(str, at))} {digest} none\n" for at, digest in committed.items()))
    aborted = _in_a_transaction(campaign.deployment, found, KafkaProducer.abort_transaction)
    assert not aborted.keys() & _readable(campaign.deployment)
    return [f"{len(aborted)} records of an aborted transaction have offsets, and nobody can read them"]


def _in_a_transaction(
    deployment: Deployment, found: Iterator[Any], end: Callable[[KafkaProducer], object]
) -> dict[Place, str]:
    """Publish in one transaction, end that, and return where its records are, each with its SHA-256."""
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap, transactional_id=fresh_name("transaction"))
    try:
        producer.init_transactions()
        producer.begin_transaction()
        futures = {
            producer.send(
                deployment.topic("REPLAY" if parcel.is_replay else "EVENTS"),
                key=parcel.key,
                value=parcel.value,
                timestamp_ms=parcel.sent_at_ms,
            ): sha256(parcel.value).hexdigest()
            for parcel in islice(found, IN_A_TRANSACTION)
        }
        producer.flush()
        end(producer)
        places = {future.get(PATIENCE_S): digest for future, digest in futures.items()}
        return {(place.topic, place.partition, place.offset): digest for place, digest in places.items()}
    finally:
        producer.close()


def _readable(deployment: Deployment) -> set[Place]:
    """Return where the committed records of the source topics are."""
    return set(by_place(deployment))


def by_place(deployment: Deployment) -> dict[Place, Any]:
    """Return the committed records of the source topics by topic, partition and offset."""
    found = [*deployment.records("EVENTS"), *deployment.records("REPLAY")]
    return {(record.topic, record.partition, record.offset): record for record in found}


def _deleted(admin: KafkaAdminClient, group: str, before: Offsets) -> None:
    admin.delete_group_offsets(group, [TopicPartition(*at) for at in before])


def _group_deleted(admin: KafkaAdminClient, group: str, _: Offsets) -> None:
    admin.delete_groups([group])


def _to_earliest(admin: KafkaAdminClient, group: str, before: Offsets) -> None:
    admin.reset_group_offsets(group, {TopicPartition(*at): OffsetSpec.EARLIEST for at in before})


def _to_latest(admin: KafkaAdminClient, group: str, before: Offsets) -> None:
    admin.reset_group_offsets(group, {TopicPartition(*at): OffsetSpec.LATEST for at in before})


def group_offsets(act: Callable[[KafkaAdminClient, str, Offsets], None], done: Callable[..., bool]) -> Fire:
    """Return a fault of group offsets, which Kafka must refuse while workers run and grant when they are stopped.

    ``done`` tells by the offsets before and after and by the ledger whether it happened.
    """

    def fire(campaign: Campaign) -> list[str]:
        deployment = campaign.deployment
        group = deployment.environment["HXI_APP_ID"]
        wait_until(lambda: bool(deployment.group_offsets()), "something is acknowledged")
        with administering(deployment) as admin:
            with suppress(KafkaError):
                act(admin, group, deployment.group_offsets())
            for worker in campaign.workers:
                assert worker.terminate() == 0
            before, ledger = deployment.group_offsets(), deployment.ledger()
            assert sum(before.values()) > 0, "what Kafka was asked for while workers ran, it should have refused"
            wait_until(lambda: sum(deployment.ends().values()) > sum(ledger.values()) + 10, "there is something unread")

            def happened() -> bool:
                with suppress(KafkaError):  # while the group still has members that left without a word
                    act(admin, group, before)
                return done(before, deployment.group_offsets(), ledger)

            wait_until(happened, "group offsets are as asked for")
            after = deployment.group_offsets()
        campaign.heals()
        campaign.staff()
        return [f"group offsets {_sum(before)} became {_sum(after)}, ledger {_sum(ledger)}"]

    return fire


def _sum(offsets: Offsets) -> str:
    return f"{sum(offsets.values())} over {len(offsets)}"


GROUP_OFFSETS = {
    "deleted": group_offsets(_deleted, lambda before, after, ledger: not after),
    "deleted with the group": group_offsets(_group_deleted, lambda before, after, ledger: not after),
    "reset to earliest": group_offsets(_to_earliest, lambda before, after, ledger: set(after.values()) == {0}),
    "reset to latest": group_offsets(
        _to_latest, lambda before, after, ledger: any(at > ledger.get(place, 0) for place, at in after.items())
    ),
}


def configure(deployment: Deployment, **settings: str) -> None:
    """Change settings of the events topic; their names have underscores for dots."""
    configs = {name.replace("_", "."): value for name, value in settings.items()}
    with administering(deployment) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, deployment.topic("EVENTS"), configs)])


def make_compactable(deployment: Deployment) -> None:
    """Make the topics, that of the events with short segments: all but the last of each partition can be compacted."""
    deployment.hxi("publish", "/dev/null")
    configure(deployment, segment_ms=SEGMENT_MS)


def compact(deployment: Deployment) -> int:
    """Have the events topic compacted and return how many records that removed; afterwards it stays as it is."""
    before = by_place(deployment)
    configure(deployment, cleanup_policy="compact", min_cleanable_dirty_ratio="0.01")
    wait_until(lambda: len(by_place(deployment)) < len(before) * 9 // 10, "compaction removed a tenth of the records")
    configure(deployment, cleanup_policy="delete", retention_ms="-1")
    seen = [set(before)]

    def settled() -> bool:
        seen.append(set(by_place(deployment)))
        return seen[-1] == seen[-2]

    wait_until(settled, "compaction has ended")
    return len(before) - len(seen[-1])


def cut_off(deployment: Deployment, settled: Mapping[At, int], ends: Mapping[At, int]) -> Offsets:
    """Delete, as retention would, the older half of what is unsettled below ``ends``; return where partitions begin."""
    cuts = {at: (settled.get(at, 0) + end) // 2 for at, end in ends.items() if end - settled.get(at, 0) >= 2}
    assert cuts, "there is nothing unread"
    with administering(deployment) as admin:
        admin.delete_records({TopicPartition(*at): below for at, below in cuts.items()})
    return cuts


def losses(workers: list[WorkerProcess]) -> set[Loss]:
    """Return what workers said that was lost, each loss once; the number of records must be right."""
    said = re.compile(
        r"DATA LOSS SUSPECTED: (\S+)\[(\d+)\] begins at offset (\d+), but only those below (\d+) were processed:"
        r" retention removed (\d+) records unread"
    )
    found = [match.groups() for worker in workers for match in said.finditer(worker.said())]
    assert all(int(first) - int(below) == int(records) for _, _, first, below, records in found), found
    return {Loss(topic, int(number), int(below), int(first)) for topic, number, first, below, _ in found}


def make_again(deployment: Deployment) -> None:
    """Delete the source topics and have ``hxi`` make them again; Kafka must know them for others."""
    names = [deployment.topic("EVENTS"), deployment.topic("REPLAY")]
    with administering(deployment) as admin:
        before = _topic_ids(admin, names)
        admin.delete_topics(names)
        wait_until(lambda: not set(names) & set(admin.list_topics()), "the topics are gone")
        deployment.hxi("publish", "/dev/null")
        after = _topic_ids(admin, names)
    assert len(before | after) == 2 * len(names), f"{before} became {after}"
    assert set(deployment.ends().values()) == {0}


def _topic_ids(admin: KafkaAdminClient, names: list[str]) -> set[str]:
    return {str(topic["topic_id"]) for topic in admin.describe_topics(names)}


def forget_progress(campaign: Campaign) -> None:
    """Delete the application's rows of the ledger, as a worker says that one may."""
    with campaign.superuser() as connection:
        connection.execute("DELETE FROM hxi_state.ledger WHERE app_id = %s", (campaign.app_id,))


def ahead(deployment: Deployment) -> set[Ahead]:
    """Return where the ledger is beyond the end of its partition."""
    ends = deployment.ends()
    return {Ahead(*at, offset, ends[at]) for at, offset in deployment.ledger().items() if offset > ends[at]}


def refusals(worker: WorkerProcess, app_id: str) -> set[Ahead]:
    """Return of what ledgers a worker said that they are ahead, and what is to be done about that."""
    said = re.compile(
        rf"the ledger of {re.escape(app_id)} stands at offset (\d+) of (\S+)\[(\d+)\], which ends at (\d+):"
        r" the topic was deleted and made again, or this is another broker\."
        r" Set another HXI_APP_ID, or delete the rows of this one in hxi_state\.ledger"
    )
    found = [match.groups() for match in said.finditer(worker.said())]
    return {Ahead(topic, int(partition), int(offset), int(end)) for offset, topic, partition, end in found}
