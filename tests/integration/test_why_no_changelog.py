"""Why state is not recovered from a Kafka changelog (docs/design.md): the experiment, on a real broker.

A worker that fell asleep between its commit and its changelog write wakes up after another has taken over and written
on. Both wrote truthfully, each value with the offset up to which it is applied, so that recovery could keep the one
applied further. Compaction knows nothing of that: it keeps the last one written.
"""

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from tests.deployment import fresh_name, wait_until
from tests.servers.choice import KillableBroker

COMPACT_AT_ONCE = {
    "cleanup.policy": "compact",
    "segment.ms": "100",
    "min.cleanable.dirty.ratio": "0.001",
    "max.compaction.lag.ms": "100",
}
KEY = b"session"
APPLIED_BY_NEW_OWNER, APPLIED_BY_SLEEPER = b"applied up to 120", b"applied up to 95"


def read_key(bootstrap: str, topic: str) -> list[bytes]:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, consumer_timeout_ms=500)
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        return [record.value for record in consumer if record.key == KEY]
    finally:
        consumer.close()


def test_compaction_keeps_the_stale_value_of_a_sleeper_and_loses_the_new_owners(own_broker: KillableBroker) -> None:
    topic = fresh_name("changelog")
    admin = KafkaAdminClient(bootstrap_servers=own_broker.address)
    admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1, "configs": COMPACT_AT_ONCE}})
    admin.wait_for_topics([topic])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=own_broker.address)
    for value in (APPLIED_BY_NEW_OWNER, APPLIED_BY_SLEEPER):
        producer.send(topic, key=KEY, value=value).get(timeout=10)
    assert read_key(own_broker.address, topic) == [APPLIED_BY_NEW_OWNER, APPLIED_BY_SLEEPER]

    def compacted() -> bool:
        producer.send(topic, key=b"another", value=b"x").get(timeout=10)  # rolls the segment
        return len(read_key(own_broker.address, topic)) == 1

    wait_until(compacted, "compaction has run", 120)
    producer.close()
    assert read_key(own_broker.address, topic) == [APPLIED_BY_SLEEPER]
