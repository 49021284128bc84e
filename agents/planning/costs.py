"""What an event costs: measured, with where; and what is assumed because nobody has measured it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

DRAIN = "docs/performance.md, Draining, the mix"
CROWD = "docs/performance.md, A crowd"
MEMORY = "docs/performance.md, Memory"
RETENTION = "docs/growing.md, Removing what is old"
SIZES = "docs/growing.md, What an event leaves behind"
REPLAYS = "docs/growing.md, What replays cost"

LEAST, MOST = 1e-6, 1e12
"""Figures beyond are mistakes: a division by nothing, or numbers that nobody can read."""

TABLES = (
    "users",
    "sessions",
    "events",
    "rage_click_events",
    "heatmap_points",
    "journey_steps",
    "latency_metrics",
    "emotion_predictions",
    "experience_scores",
    "error_logs",
)
"""Those that grow with the events; replay chunks grow with their bytes, latency windows with the minutes."""


@dataclass(frozen=True, slots=True)
class Size:
    """What an event leaves in a table: rows, and bytes with indexes and what updates leave behind."""

    rows: float
    bytes: float


SIZES_HERE = {
    "users": Size(0.002, 1.0),
    "sessions": Size(0.0094, 14.1),
    "events": Size(0.982, 256.2),
    "rage_click_events": Size(0.0059, 2.3),
    "heatmap_points": Size(0.693, 192.9),
    "journey_steps": Size(0.049, 9.3),
    "latency_metrics": Size(0.105, 18.6),
    "emotion_predictions": Size(0.038, 28.3),
    "experience_scores": Size(0.0089, 5.4),
    "error_logs": Size(0.0097, 5.5),
}
"""100 000 events of the mix, a fresh database that nobody has vacuumed."""


REMOVED_HERE = {
    "users": 9_300,
    "sessions": 9_300,
    "events": 27_000,
    "rage_click_events": 9_100,
    "heatmap_points": 105_000,
    "journey_steps": 25_000,
    "latency_metrics": 91_000,
    "emotion_predictions": 37_000,
    "experience_scores": 9_300,
    "error_logs": 12_000,
}
"""Rows/s of one run, the slowest that was measured; where a session has few rows, what it costs to go to it counts."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What was measured, per event unless its name says otherwise. The defaults are from two shared, busy cores."""

    worker_events_per_s: float = 15_261
    worker_cpu_us: float = 50
    postgres_cpu_us: float = 44
    worker_peak_mib: float = 274
    id_bytes: float = 29
    record_bytes: float = 300
    wal_bytes: float = 1_095
    worker_replay_cpu_us_per_kb: float = 47
    postgres_replay_cpu_us_per_kb: float = 18
    replay_chunk_bytes: float = 10_150
    stored_per_replay_byte: float = 0.37
    wal_per_replay_byte: float = 0.29
    removed_replay_mb_per_s: float = 239
    removed_wal_per_replay_byte: float = 0.24
    rollup_rows_per_event: float = 0.006
    rollup_row_bytes: float = 780
    removed_rows_per_s: Mapping[str, float] = field(default_factory=lambda: REMOVED_HERE)
    removed_row_cpu_us: float = 12
    removed_row_wal_bytes: float = 297
    sizes: Mapping[str, Size] = field(default_factory=lambda: SIZES_HERE)

    @property
    def worker_replay_mb_per_s(self) -> float:
        """Return what a worker drains of replays: it decodes, then waits while PostgreSQL writes."""
        return 1_000 / (self.worker_replay_cpu_us_per_kb + self.postgres_replay_cpu_us_per_kb)

    @property
    def rows(self) -> float:
        """Return the rows of all tables that an event comes to."""
        return sum(size.rows for size in self.sizes.values())

    @property
    def stored_bytes(self) -> float:
        """Return the bytes of all tables that an event comes to."""
        return sum(size.bytes for size in self.sizes.values())

    @property
    def removing_s(self) -> float:
        """Return for how long a run of ``hxi retention`` removes what an event came to."""
        return sum(size.rows / self.removed_rows_per_s[table] for table, size in self.sizes.items())

    def with_figures(self, measured: Mapping[str, Any]) -> Self:
        """Return these costs with what ``build/benchmarks.json`` has instead, where it has it.

        Raises:
            ValueError: it has nothing of that, or what cannot be: no number, or one that is not within reason.
        """
        found: dict[str, Any] = {}
        drains = [
            section["mix"] for title, section in measured.items() if title.startswith("drain of") and "mix" in section
        ]
        for figures in drains:
            names = ("worker_events_per_s", "worker_cpu_us", "postgres_cpu_us")
            found |= {name: _figure(figures, name, LEAST) for name in names}
        if sizes := measured.get("sizes", {}).get(""):
            found |= _sizes(sizes)
        if not found:
            raise ValueError("it has neither a drain of the mix nor sizes")
        return replace(self, **found)


def _sizes(figures: Mapping[str, Any]) -> dict[str, Any]:
    windows = _figure(figures, "latency_windows_rows", LEAST)
    stored = _figure(figures, "session_replay_chunks_bytes")
    return {
        "record_bytes": _figure(figures, "record_bytes", LEAST),
        "wal_bytes": _figure(figures, "wal_bytes", LEAST),
        "stored_per_replay_byte": stored / _figure(figures, "replay_bytes", LEAST),
        "rollup_rows_per_event": windows,
        "rollup_row_bytes": _figure(figures, "latency_windows_bytes") / windows,
        "sizes": {
            table: Size(_figure(figures, f"{table}_rows"), _figure(figures, f"{table}_bytes")) for table in TABLES
        },
    }


def _figure(figures: Mapping[str, Any], name: str, least: float = 0) -> float:
    """Return a figure, of which others are made by dividing where 0 is not allowed."""
    value = figures[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= MOST:
        raise ValueError(f"{name} is {value}, no number from {least:g} to {MOST:g}")
    return float(value)


MEASURED_HERE = Costs()


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What nobody has measured here: rules of thumb, to be replaced by your own."""

    busy: float = 0.6
    database_events_per_s: float = 50_000
    database_tb: float = 10
    broker_mb_per_s: float = 50
    topic_days: float = 7
    replicas: int = 3
    partitions_per_worker: int = 2


ASSUMED = Assumptions()
