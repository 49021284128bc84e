"""Works out what a load needs. Everything here is calculated; nothing of it has been tried at such a load."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import ceil

from agents.planning.costs import ASSUMED, MEASURED_HERE, Assumptions, Costs
from pipeline.limits import Limits

DAY_S = 24 * 3600
KB, MB, TB = 1e3, 1e6, 1e12
CONNECTIONS_PER_WORKER = 4
"""Reader, writer and judge for good; one that looks around while a call takes long."""

REMEMBERED_S = 2 * 3600
"""Ids stay for two windows of ``HXI_ALLOWED_LATENESS_S`` at most, with its default of an hour."""

MOST_IDS_BYTES = 8_000_000 * 25
"""What a worker remembers at the most: 8 million ids in some 200 MB (agents/intake.py)."""

SESSION_S = 1_800
"""A session goes on for so long after its newest record by default: what is read back is of those."""

PEAK_TO_MEAN = 3
"""Nobody has measured it: people sleep, so the busiest hour of most sites has a few times the mean."""


@dataclass(frozen=True, slots=True)
class Load:
    """What comes in at the busiest, how many times the day's mean that is, and for how long rows stay.

    Machines are for the busiest; what is stored, and removed again, comes in by the mean. ``days``: of tables that have
    their own.
    """

    events_per_s: float
    retention_days: float = 30
    replay_bytes_per_s: float = 0
    peak_to_mean: float = PEAK_TO_MEAN
    days: Mapping[str, float] = field(default_factory=dict)

    def days_kept(self, table: str) -> float:
        """Return for how long rows of this table stay."""
        return self.days.get(table, self.retention_days)

    @property
    def mean(self) -> "Load":
        """Return what comes in on the mean of a day."""
        by = self.peak_to_mean
        return replace(self, events_per_s=self.events_per_s / by, replay_bytes_per_s=self.replay_bytes_per_s / by)


@dataclass(frozen=True, slots=True)
class Plan:
    """What it needs; sizes and rates are those of all databases together unless a name says otherwise."""

    databases: int
    workers: int
    partitions: int
    worker_mib: float
    worker_cores: float
    connections_per_database: int
    postgres_cores_per_database: int
    recent_gb_per_database: float
    rows_per_s: float
    wal_mb_per_s: float
    bytes_per_day: dict[str, float]
    days_kept: dict[str, float]
    stored_tb: float
    removing_at_once: float
    topic_mb_per_s: float
    topic_tb: float
    brokers: int

    @property
    def workers_per_database(self) -> int:
        """Return how many workers share a database."""
        return self.workers // self.databases

    @property
    def partitions_per_database(self) -> int:
        """Return how many partitions each of a database's two source topics has."""
        return self.partitions // self.databases


def planned(load: Load, costs: Costs = MEASURED_HERE, assumed: Assumptions = ASSUMED) -> Plan:
    """Return what ``load`` needs by these costs."""
    rate, replays = load.events_per_s, load.replay_bytes_per_s
    mean = load.mean
    databases = _databases(load, costs, assumed)
    bytes_per_day = _bytes_per_day(mean, costs, databases)
    of_one = rate / databases
    busy_workers = of_one / costs.worker_events_per_s + replays / databases / MB / costs.worker_replay_mb_per_s
    workers = max(1, ceil(busy_workers / assumed.busy))
    topic_bytes_per_s = rate * costs.record_bytes + replays
    return Plan(
        databases=databases,
        workers=workers * databases,
        partitions=_partitions(workers * assumed.partitions_per_worker) * databases,
        worker_mib=costs.worker_peak_mib
        + min(of_one / workers * REMEMBERED_S * costs.id_bytes, MOST_IDS_BYTES) / 2**20,
        worker_cores=(rate * costs.worker_cpu_us + replays / KB * costs.worker_replay_cpu_us_per_kb) / 1e6,
        connections_per_database=workers * CONNECTIONS_PER_WORKER,
        postgres_cores_per_database=ceil(_postgres_cores(load, costs) / databases / assumed.busy),
        recent_gb_per_database=of_one * SESSION_S * costs.stored_bytes / 1e9,
        rows_per_s=rate * costs.rows + replays / costs.replay_chunk_bytes,
        wal_mb_per_s=_wal_bytes_per_s(load, costs) / MB,
        bytes_per_day=bytes_per_day,
        days_kept={table: load.days_kept(table) for table in bytes_per_day},
        stored_tb=_stored_tb(load, bytes_per_day),
        removing_at_once=_removing(mean, costs) / databases,
        topic_mb_per_s=topic_bytes_per_s / MB,
        topic_tb=topic_bytes_per_s / load.peak_to_mean * DAY_S * assumed.topic_days * assumed.replicas / TB,
        brokers=max(assumed.replicas, ceil(topic_bytes_per_s * assumed.replicas / MB / assumed.broker_mb_per_s)),
    )


def _databases(load: Load, costs: Costs, assumed: Assumptions) -> int:
    """Return how many share the load: by what one takes in, replays as the events that cost as much, and holds."""
    stored_tb = _stored_tb(load, _bytes_per_day(load.mean, costs, 1))
    writing = load.events_per_s + load.replay_bytes_per_s / KB * (
        costs.postgres_replay_cpu_us_per_kb / costs.postgres_cpu_us
    )
    return max(ceil(writing / assumed.database_events_per_s), ceil(stored_tb / assumed.database_tb), 1)


def _stored_tb(load: Load, bytes_per_day: Mapping[str, float]) -> float:
    return sum(size * load.days_kept(table) for table, size in bytes_per_day.items()) / TB


def _postgres_cores(load: Load, costs: Costs) -> float:
    """Return how many are busy at the busiest; removing replays takes one for as long as it takes, at the most."""
    written_us = load.events_per_s * costs.postgres_cpu_us
    written_us += load.replay_bytes_per_s / KB * costs.postgres_replay_cpu_us_per_kb
    removed_us = load.mean.events_per_s * costs.rows * costs.removed_row_cpu_us
    return (written_us + removed_us) / 1e6 + load.mean.replay_bytes_per_s / MB / costs.removed_replay_mb_per_s


def _wal_bytes_per_s(load: Load, costs: Costs) -> float:
    written = load.events_per_s * costs.wal_bytes + load.replay_bytes_per_s * costs.wal_per_replay_byte
    removed = load.mean.events_per_s * costs.rows * costs.removed_row_wal_bytes
    return written + removed + load.mean.replay_bytes_per_s * costs.removed_wal_per_replay_byte


def _removing(mean: Load, costs: Costs) -> float:
    """Return what part of its time one run of ``hxi retention`` takes to remove as much as comes in."""
    return mean.events_per_s * costs.removing_s + mean.replay_bytes_per_s / MB / costs.removed_replay_mb_per_s


def _bytes_per_day(mean: Load, costs: Costs, databases: int) -> dict[str, float]:
    """Return by table. In each database a minute has a latency window per screen and endpoint, up to a limit."""
    found = {table: mean.events_per_s * DAY_S * size.bytes for table, size in costs.sizes.items()}
    windows = min(mean.events_per_s / databases * 60 * costs.rollup_rows_per_event, Limits().window_keys) * databases
    found["latency_rollups"] = windows * DAY_S / 60 * costs.rollup_row_bytes
    found["session_replay_chunks"] = mean.replay_bytes_per_s * DAY_S * costs.stored_per_replay_byte
    return found


def _partitions(least: int) -> int:
    """Return the next power of two, at least the default of ``HXI_TOPIC_PARTITIONS``."""
    return max(8, 1 << (least - 1).bit_length())
