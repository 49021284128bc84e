"""Hostile: how quickly a worker reads records most of which nobody should send, beside as many good ones.

A benchmark and no test: where tests run, others do, and a limit that never fails there would be no limit.
"""

import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from benchmarks.loads import Message
from benchmarks.measuring import Control, Meter, doubts
from benchmarks.rig import Figures, Rig, Servers, say
from tests.hostile.load import Load, Parcel

SEED = 1
HOSTILE_SHARE = 0.6

LINES = {
    "good_records_per_s": ("good ones: records/s", 0),
    "good_cpu_us": ("good ones: worker CPU µs per record", 1),
    "hostile_records_per_s": ("mostly hostile: records/s", 0),
    "hostile_cpu_us": ("mostly hostile: worker CPU µs per record", 1),
    "slowdown": ("mostly hostile / good, by the clock", 2),
    "cpu_slowdown": ("mostly hostile / good, by CPU", 2),
}
"""Every figure, how the table calls it, and its decimals."""


def measure(records: int, servers: Servers) -> tuple[Figures, list[str]]:
    """Return the figures of ``records`` good records and of as many mixed ones, and why they are not to be believed."""
    load = Load(SEED, int(time.time() * 1000))
    before = Control.run()
    good = _read("good", load.good(records), load.arrival_ms, servers)
    hostile = _read("hostile", load.mixed(records, HOSTILE_SHARE), load.arrival_ms, servers)
    after = Control.run()
    figures: Figures = {
        "good_records_per_s": good.records_per_s,
        "good_cpu_us": good.cpu_us,
        "hostile_records_per_s": hostile.records_per_s,
        "hostile_cpu_us": hostile.cpu_us,
        "slowdown": good.records_per_s / hostile.records_per_s,
        "cpu_slowdown": hostile.cpu_us / good.cpu_us,
    }
    return figures, doubts(before, after, max(good.others_share, hostile.others_share))


class _Reading(NamedTuple):
    records_per_s: float
    cpu_us: float
    others_share: float


def _read(what: str, parcels: Iterable[Parcel], arrival_ms: int, servers: Servers) -> _Reading:
    rig = Rig.prepare(f"{what}-load", servers)
    say(f"hostile: publishing {what} records")
    records = rig.publish(_messages(parcels, arrival_ms))
    say(f"hostile: a worker reads {records} of them")
    with rig.worker() as worker:
        meter = Meter({**servers.pids, "worker": worker.pid})
        worker.wait_until_written(records)
        spent = meter.read()
    return _Reading(records / spent.wall_s, spent.cpu_s["worker"] / records * 1e6, spent.others_share)


def _messages(parcels: Iterable[Parcel], arrival_ms: int) -> Iterator[Message]:
    """Leave chunks out, which go to another topic, and what the client cannot send."""
    for parcel in parcels:
        if not parcel.is_replay and parcel.key is not None and parcel.value is not None:
            yield Message(parcel.key, parcel.value, arrival_ms)
