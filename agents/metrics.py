"""Every metric there is, with one line of meaning each; the README's table has the same lines, a test compares.

Seconds and bytes; labels are bounded, and each of their values is there from the start.
"""

from typing import get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)

from agents.bulk_histogram import BulkHistogram
from pipeline.sinks.contract import Phase, Written
from schema.reasons import Reason
from schema.rows import Rows

REGISTRY = CollectorRegistry()

MEANINGS: dict[str, str] = {}
"""What each metric means, by its name and labels as queries have them."""

MILLISECONDS_TO_A_MINUTE = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
TENTHS_TO_AN_HOUR = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
TO_A_DAY = (0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 300, 1800, 3600, 21_600, 86_400)
EVENTS = (1, 10, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 20_000, 50_000)
BYTES = tuple(4**power for power in range(4, 14))
"""256 bytes to 64 MiB."""


def _document(name: str, meaning: str, labels: tuple[str, ...]) -> None:
    MEANINGS[name + (f"{{{','.join(labels)}}}" if labels else "")] = meaning


def _counter(name: str, meaning: str, *labels: str) -> Counter:
    _document(f"{name}_total", meaning, labels)
    return Counter(name, meaning, labels, registry=REGISTRY)


def _gauge(name: str, meaning: str, *labels: str) -> Gauge:
    _document(name, meaning, labels)
    return Gauge(name, meaning, labels, registry=REGISTRY)


def _histogram(name: str, meaning: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    _document(name, meaning, labels)
    return Histogram(name, meaning, labels, buckets=buckets, registry=REGISTRY)


def _ages(name: str, meaning: str) -> BulkHistogram:
    _document(name, meaning, ())
    return BulkHistogram(name, meaning, TO_A_DAY, REGISTRY)


RECEIVED = _counter("hxi_received", "outcomes settled: events and replay chunks written or duplicate, and dead letters")
WRITTEN = _counter("hxi_written", "events and replay chunks committed to the database")
DUPLICATE = _counter("hxi_duplicate", "events and replay chunks that had been received before")
DEAD_LETTERED = _counter(
    "hxi_dead_lettered", "dead letters: events of batches that can be read, and records refused whole", "reason"
)
RECORDS = _counter("hxi_records", "Kafka records read and settled; a batch of events is one")
RECORD_BYTES = _counter("hxi_record_bytes", "bytes of the records read and settled, as they came")
REFUSED_RECORDS = _counter(
    "hxi_refused_records", "records refused whole: one dead letter each, however many events a broken batch was to hold"
)
REFUSED_RECORD_BYTES = _counter("hxi_refused_record_bytes", "bytes of the records refused whole")
LATE = _counter(
    "hxi_late", "events further behind their session's newest than allowed; they are stored like all others"
)
ROWS = _counter("hxi_rows", "rows inserted or merged", "table")
FOLDED = _counter(
    "hxi_folded_latencies", "rows of latency windows beyond `HXI_LIMIT_WINDOW_KEYS`, counted under `other`"
)
RAGE_CLICKS = _counter("hxi_rage_clicks", "rage clicks found; one that grows counts once")
JUDGED = _counter("hxi_judged", "sessions whose emotions and score were worked out anew after they had changed")
UNJUDGED = _gauge(
    "hxi_unjudged_sessions", "sessions of the database that wait to be judged, by whichever worker; 100000 where more"
)
UNJUDGED_SECONDS = _gauge("hxi_unjudged_seconds", "for how long the first of them has waited; 0 where none does")

LAG = _gauge(
    "hxi_lag_records",
    "records between the ledger and the end of the partition; NaN where unknown, and not 0",
    "topic",
    "partition",
)
LAG_SECONDS = _gauge(
    "hxi_lag_seconds",
    "age of the record at which the ledger stands; 0 where none is left, NaN where that is unknown",
    "topic",
    "partition",
)
LAG_REFRESHED = _gauge(
    "hxi_lag_refreshed_timestamp_seconds",
    "when a broker last said where the partition ends, in Unix time; 0 until one has",
    "topic",
    "partition",
)
LEDGER = _gauge(
    "hxi_ledger_offset",
    "where the ledger stands: the first offset that is not in the tables; NaN where unknown",
    "topic",
    "partition",
)
HELD_BACK = _gauge(
    "hxi_held_back_records",
    "records behind the start of a transaction that is open: nobody is given them, and they are no lag; NaN until read",
    "topic",
    "partition",
)
HELD_BACK_SECONDS = _gauge(
    "hxi_held_back_seconds",
    "for how long the same transaction has been seen to hold records back; 0 where none does, NaN until read",
    "topic",
    "partition",
)
APPEND_TO_COMMIT = _ages(
    "hxi_append_to_commit_seconds",
    "age of each event and replay chunk, by its record's Kafka timestamp, when it was committed",
)
CLIENT_TO_COMMIT = _ages(
    "hxi_client_to_commit_seconds",
    "age of each event, by its own time as corrected, when it was committed",
)

FLUSH_SECONDS = _histogram(
    "hxi_flush_seconds", "start of a flush to its commit, retries included", MILLISECONDS_TO_A_MINUTE
)
FLUSH_PHASES = _histogram(
    "hxi_flush_phase_seconds",
    "parts of a flush: `dead_letters`, `lock` of the ledger, `fold` with what that reads, `copy` and merges, `commit`",
    MILLISECONDS_TO_A_MINUTE,
    "phase",
)
FLUSH_EVENTS = _histogram("hxi_flush_events", "events and replay chunks written by a flush", EVENTS)
FLUSH_BYTES = _histogram(
    "hxi_flush_bytes", "bytes of the records that a flush settled, with what batches repeat", BYTES
)
RETRIES = _counter("hxi_retries", "attempts that failed and were repeated, by what did not answer", "target")
FENCED = _counter("hxi_fenced_flushes", "flushes left to a newer owner")
RESOLVED = _counter("hxi_unknown_commits_resolved", "commits with unknown outcome that had succeeded")
DATA_LOSS = _counter(
    "hxi_data_loss_suspected", "claims that found a topic cut off beyond the ledger: records are gone unread"
)

REBALANCES = _counter("hxi_rebalances", "rebalances that this worker took part in")
REBALANCE_SECONDS = _histogram(
    "hxi_rebalance_seconds",
    "from the moment partitions are taken away until the new ones are assigned",
    TENTHS_TO_AN_HOUR,
)
CLAIMS = _counter("hxi_claims", "claims of assigned partitions")
RECOVERY_SECONDS = _histogram(
    "hxi_recovery_seconds",
    "from an assignment until it is `claimed`, the `first_read` of what waited, `caught_up` with all that waited",
    TENTHS_TO_AN_HOUR,
    "until",
)

PARTITIONS = _gauge("hxi_partitions", "partitions that this worker has claimed")
SEEN_IDS = _gauge("hxi_seen_ids", "event ids and sessions held in memory")
PENDING_EVENTS = _gauge("hxi_pending_events", "events and replay chunks read and not committed yet")
PENDING_BYTES = _gauge(
    "hxi_pending_bytes", "bytes of the records that have been read and are not committed yet, with what batches repeat"
)
LOOP_DELAY = _histogram(
    "hxi_event_loop_delay_seconds",
    "how much later than asked for the event loop wakes up",
    MILLISECONDS_TO_A_MINUTE,
)
BUILD = Info("hxi_build", "version of this worker", registry=REGISTRY)
_document("hxi_build_info", "version of this worker", ("version",))
ProcessCollector(registry=REGISTRY)
disable_created_metrics()  # type: ignore[no-untyped-call]  # a series beside each counter that nobody asks for

PHASES = ("dead_letters", *get_args(Phase))

for _reason in Reason:
    DEAD_LETTERED.labels(_reason.value)
for _target in ("database", "broker", "dead_letters"):
    RETRIES.labels(_target)
for _table in (*Written.of(Rows(), 0, 0).rows_by_table, "emotion_predictions", "experience_scores"):
    ROWS.labels(_table)
for _phase in PHASES:
    FLUSH_PHASES.labels(_phase)
for _until in ("claimed", "first_read", "caught_up"):
    RECOVERY_SECONDS.labels(_until)
