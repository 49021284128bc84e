"""Kafka as the commands use it: a producer that does not lose, a reader from end to end."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from agents.commands.output import CommandFailed
from agents.kafka_clients import BrokerUnavailable, connect
from agents.settings import Settings
from agents.topics import MAX_RECORD_BYTES, WrongPartitions, ensure_topics

Send = Callable[..., None]
"""Called as ``send(topic, key, value, timestamp_ms=None, headers=())``."""

FLUSH_TIMEOUT_S = 120


@contextmanager
def sending(settings: Settings) -> Iterator[Send]:
    """Give a function that sends records; the block ends once all are acknowledged.

    Makes the topics where they are missing.

    Raises:
        CommandFailed: the broker cannot be reached, or did not take a record.
    """
    with _explained(settings):
        ensure_topics(settings)
        producer = connect(
            KafkaProducer,
            settings,
            acks="all",
            linger_ms=20,
            batch_size=256 * 1024,
            max_request_size=MAX_RECORD_BYTES,
        )
        failures: list[Exception] = []
        try:

            def send(
                topic: str,
                key: bytes | None,
                value: bytes | None,
                timestamp_ms: int | None = None,
                headers: Sequence[tuple[str, bytes]] = (),
            ) -> None:
                if failures:
                    raise CommandFailed(f"the broker did not take a record: {failures[0]}")
                future = producer.send(topic, value=value, key=key, timestamp_ms=timestamp_ms, headers=list(headers))
                future.add_errback(failures.append)

            yield send
            producer.flush(timeout=FLUSH_TIMEOUT_S)
        finally:
            producer.close(timeout=5)
        if failures:
            raise CommandFailed(f"the broker did not take {len(failures)} records: {failures[0]}")


def read_topic(settings: Settings, topic: str) -> Iterator[Any]:
    """Yield every record of ``topic`` that is there now, partition by partition."""
    with _explained(settings):
        consumer = connect(
            KafkaConsumer,
            settings,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=MAX_RECORD_BYTES,
        )
        try:
            for number in sorted(consumer.partitions_for_topic(topic) or ()):
                yield from _read_partition(consumer, TopicPartition(topic, number))
        finally:
            consumer.close()


def _read_partition(consumer: KafkaConsumer, partition: TopicPartition) -> Iterator[Any]:
    consumer.assign([partition])
    end = consumer.end_offsets([partition])[partition]
    consumer.seek_to_beginning(partition)
    while consumer.position(partition) < end:
        for record in consumer.poll(timeout_ms=1000).get(partition, ()):
            if record.offset < end:
                yield record


@contextmanager
def _explained(settings: Settings) -> Iterator[None]:
    try:
        yield
    except WrongPartitions as error:
        raise CommandFailed(str(error)) from None
    except (KafkaError, BrokerUnavailable, OSError) as error:
        raise CommandFailed(f"the broker of HXI_KAFKA_BOOTSTRAP ({settings.kafka_bootstrap}) failed: {error}") from None
