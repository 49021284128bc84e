"""Asks brokers where partitions begin and end, of each leader by itself.

One request per leader, as the client makes anyway; but a partition without a leader, or whose leader does not answer,
keeps nobody else's answer back.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import NamedTuple, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schema.rows import Partition

GRACE_S = 1.0
"""How long others are waited for when one leader has answered: quick ones do not wait for one that is away."""

MOST_NAMES = 4

T = TypeVar("T")

Answers = dict[TopicPartition, T]
Question = Callable[[Sequence[TopicPartition]], Awaitable[Answers[T]]]


class Fetched(NamedTuple):
    """What a fetch's answer says of a partition: where it ends, from where on nothing is handed out, and when."""

    end: int
    stable_end: int
    at_s: float


async def ends(client: AIOKafkaConsumer, partitions: Iterable[Partition], within_s: float) -> dict[Partition, int]:
    """Return the offset after each partition's last committed record, of those whose leader answers in time."""
    return await _of_each_leader(client, partitions, client.end_offsets, within_s)


async def bounds(
    client: AIOKafkaConsumer, partitions: Iterable[Partition], within_s: float
) -> dict[Partition, tuple[int, int]]:
    """Return the first offset and the one of :func:`ends`, of those whose leader answers in time."""

    async def ask(tps: Sequence[TopicPartition]) -> Answers[tuple[int, int]]:
        first = await client.beginning_offsets(tps)
        end = await client.end_offsets(tps)
        return {tp: (first[tp], end[tp]) for tp in tps}

    return await _of_each_leader(client, partitions, ask, within_s)


async def _of_each_leader(
    client: AIOKafkaConsumer, partitions: Iterable[Partition], ask: Question[T], within_s: float
) -> dict[Partition, T]:
    by_leader = defaultdict(list)
    for partition in partitions:
        tp = TopicPartition(*partition)
        by_leader[client._client.cluster.leader_for_partition(tp)].append(tp)  # none is a leader, too: it is looked for
    answers = await answered([ask(tps) for tps in by_leader.values()], within_s)
    return {Partition(tp.topic, tp.partition): offsets for answer in answers for tp, offsets in answer.items()}


async def answered(questions: Iterable[Awaitable[T]], within_s: float) -> list[T]:
    """Return the answers that come in time, which is :data:`GRACE_S` after the first; the others are given up."""
    loop = asyncio.get_running_loop()
    pending = {asyncio.ensure_future(question) for question in questions}
    until = loop.time() + within_s
    answers: list[T] = []
    try:
        while pending and (left_s := until - loop.time()) > 0:
            done, pending = await asyncio.wait(pending, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                if isinstance(error := one.exception(), KafkaError | OSError | TimeoutError):
                    continue
                if error is not None:
                    raise error
                answers.append(one.result())
            if answers:
                until = min(until, loop.time() + GRACE_S)
    finally:
        for one in pending:
            one.cancel()
    return answers


def names(partitions: Collection[Partition]) -> str:
    """Return partitions as people read them; of many, how many."""
    if len(partitions) > MOST_NAMES:
        return f"{len(partitions)} partitions"
    return ", ".join(f"{topic}[{number}]" for topic, number in sorted(partitions))
