"""Hostile: what a worker spends on records most of which nobody should send, and on as many good ones.

What comes of a record counts: each event of a batch, written, dead-lettered or a duplicate.

A benchmark and no test: where tests run, others do, and a limit that never fails there would be no limit.
"""

import time
from collections.abc import Iterable, Iterator
from random import Random
from typing import NamedTuple

from benchmarks.loads import Message, mix
from benchmarks.measuring import Control, Meter, doubts
from benchmarks.rig import Figures, Rig, Servers, say
from pipeline.decode import decode_events
from pipeline.tidy import DecodePolicy
from schema.fields import US_PER_MS
from schema.rows import Partition, Record
from tests.hostile.load import Load

SEED = 1
HOSTILE_SHARE = 0.6
POLICY = DecodePolicy()

LINES = {
    "good_events_per_s": ("good ones: events/s", 0),
    "good_cpu_us": ("good ones: worker CPU µs per event", 1),
    "hostile_events_per_s": ("mostly hostile: events/s", 0),
    "hostile_cpu_us": ("mostly hostile: worker CPU µs per event", 1),
    "slowdown": ("mostly hostile / good, by the clock", 2),
    "cpu_slowdown": ("mostly hostile / good, by CPU", 2),
}
"""Every figure, how the table calls it, and its decimals."""


def measure(records: int, servers: Servers) -> tuple[Figures, list[str]]:
    """Return the figures of ``records`` good records and of as many mixed ones, and why they are not to be believed."""
    before = Control.run()
    good = _read("good", mix(records), servers)
    hostile = _read("hostile", mostly_hostile(records), servers)
    after = Control.run()
    figures: Figures = {
        "good_events_per_s": good.events_per_s,
        "good_cpu_us": good.cpu_us,
        "hostile_events_per_s": hostile.events_per_s,
        "hostile_cpu_us": hostile.cpu_us,
        "slowdown": good.events_per_s / hostile.events_per_s,
        "cpu_slowdown": hostile.cpu_us / good.cpu_us,
    }
    return figures, doubts(before, after, max(good.others_share, hostile.others_share))


class _Reading(NamedTuple):
    events_per_s: float
    cpu_us: float
    others_share: float


def mostly_hostile(records: int) -> Iterator[Message]:
    """Yield good records and, for :data:`HOSTILE_SHARE` of all, hostile ones in their place."""
    chance = Random(SEED)
    load = Load(SEED, int(time.time() * 1000))
    for good, bad in zip(mix(records), load.mixed(records, hostile_share=1), strict=True):
        if chance.random() >= HOSTILE_SHARE:
            yield good
        elif not bad.is_replay and bad.key is not None and bad.value is not None:  # the client sends no others
            yield Message(bad.key, bad.value, load.arrival_ms)


def _read(what: str, messages: Iterable[Message], servers: Servers) -> _Reading:
    rig = Rig.prepare(f"{what}-load", servers)
    say(f"hostile: publishing {what} records")
    published = list(messages)
    records = rig.publish(published)
    events = sum(_outcomes(message) for message in published)
    say(f"hostile: a worker reads {records} of them, {events} events")
    with rig.worker() as worker:
        meter = Meter({**servers.pids, "worker": worker.pid})
        worker.wait_until_written(records)
        spent = meter.read()
        worker.wait_until_counted(events)
    return _Reading(events / spent.wall_s, spent.cpu_s["worker"] / events * 1e6, spent.others_share)


def _outcomes(message: Message) -> int:
    """Return how many events and dead letters come of ``message``."""
    arrival_us = (message.timestamp_ms or 0) * US_PER_MS
    record = Record(Partition("", 0), 0, arrival_us, message.key, message.value)
    return sum(1 for _ in decode_events(record, POLICY))
