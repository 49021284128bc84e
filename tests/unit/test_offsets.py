"""Brokers are asked of each leader by itself, and one that is silent keeps no other's answer back."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from agents.offsets import bounds, ends, names
from schema.rows import Partition

WITHIN_S = 0.2
ONE, TWO, THREE = (Partition("t", number) for number in (1, 2, 3))


class Client:
    """Two brokers: 1 leads the first two partitions, 2 the third; ``silent`` ones never answer, None is no leader."""

    def __init__(self, *silent: int | None, leaders: dict[int, int | None]) -> None:
        self.silent = silent
        self.asked: list[list[int]] = []
        self._leader_of = leaders
        self._client = SimpleNamespace(cluster=SimpleNamespace(leader_for_partition=lambda tp: leaders[tp.partition]))

    async def end_offsets(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        self.asked.append([tp.partition for tp in tps])
        leaders = {self._leader_of[tp.partition] for tp in tps}
        if leaders & set(self.silent):
            await asyncio.Event().wait()
        if 13 in leaders:
            raise KafkaConnectionError
        return {tp: tp.partition * 10 for tp in tps}

    async def beginning_offsets(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: tp.partition for tp in tps}


async def test_where_all_answer_each_leader_is_asked_once() -> None:
    client: Any = Client(leaders={1: 1, 2: 1, 3: 2})
    assert await ends(client, [ONE, TWO, THREE], WITHIN_S) == {ONE: 10, TWO: 20, THREE: 30}
    assert client.asked == [[1, 2], [3]]


@pytest.mark.parametrize("trouble", [None, -1, 9, 13])
async def test_a_partition_whose_leader_is_away_keeps_no_others_answer_back(trouble: int | None) -> None:
    client: Any = Client(None, -1, 9, leaders={1: 1, 2: trouble, 3: 2})
    assert await ends(client, [ONE, TWO, THREE], WITHIN_S) == {ONE: 10, THREE: 30}
    assert await bounds(client, [ONE, TWO, THREE], WITHIN_S) == {ONE: (1, 10), THREE: (3, 30)}
    assert [task for task in asyncio.all_tasks() if not task.cancelling()] == [asyncio.current_task()]


async def test_the_answers_of_others_are_not_waited_for_as_long_as_the_first() -> None:
    client: Any = Client(9, leaders={1: 1, 2: 9})
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await ends(client, [ONE, TWO], 60) == {ONE: 10}
    assert loop.time() - began < 10


async def test_a_broker_that_is_away_answers_nothing() -> None:
    client: Any = Client(9, leaders={1: 9, 2: 13})
    assert await ends(client, [ONE, TWO], WITHIN_S) == {}


def test_of_many_partitions_it_is_said_how_many_there_are() -> None:
    assert names([THREE, ONE]) == "t[1], t[3]"
    assert names([Partition("t", number) for number in range(9)]) == "9 partitions"
