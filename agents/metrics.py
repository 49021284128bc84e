"""Every metric there is, with one line of meaning each. Seconds and bytes; bounded labels."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from pipeline.sinks.contract import Written
from schema.reasons import Reason
from schema.rows import Rows

REGISTRY = CollectorRegistry()

RECEIVED = Counter(
    "hxi_received", "Events and replay chunks read and settled: written, duplicate or dead-lettered", registry=REGISTRY
)
WRITTEN = Counter("hxi_written", "Events and replay chunks committed to the database", registry=REGISTRY)
DUPLICATE = Counter("hxi_duplicate", "Events and replay chunks that had been received before", registry=REGISTRY)
DEAD_LETTERED = Counter(
    "hxi_dead_lettered",
    "Records, and events of batches, sent to the dead-letter topic",
    ["reason"],
    registry=REGISTRY,
)
LATE = Counter(
    "hxi_late",
    "Events further behind their session's newest than HXI_ALLOWED_LATENESS_S",
    registry=REGISTRY,
)
ROWS = Counter("hxi_rows", "Rows inserted or merged", ["table"], registry=REGISTRY)
FOLDED = Counter(
    "hxi_folded_latencies",
    "Rows of latency windows beyond HXI_LIMIT_WINDOW_KEYS, counted under other",
    registry=REGISTRY,
)
LAG = Gauge(
    "hxi_lag_records",
    "Records between the ledger and the end of the partition",
    ["topic", "partition"],
    registry=REGISTRY,
)
FLUSH_SECONDS = Histogram(
    "hxi_flush_seconds",
    "Time from the start of a flush to its commit, retries included",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
    registry=REGISTRY,
)
RETRIES = Counter("hxi_retries", "Attempts that failed and were tried again", ["target"], registry=REGISTRY)
FENCED = Counter("hxi_fenced_flushes", "Flushes given up because of a newer owner", registry=REGISTRY)
RESOLVED = Counter(
    "hxi_unknown_commits_resolved",
    "Commits whose outcome was unknown and that had succeeded",
    registry=REGISTRY,
)
DATA_LOSS = Counter(
    "hxi_data_loss_suspected",
    "Claims that found the topic cut off beyond the ledger's offset",
    registry=REGISTRY,
)
CLAIMS = Counter("hxi_claims", "Claims of assigned partitions", registry=REGISTRY)
JUDGED = Counter("hxi_judged", "Sessions judged anew after they had changed", registry=REGISTRY)
SEEN_IDS = Gauge("hxi_seen_ids", "Event ids and sessions held in memory", registry=REGISTRY)
BUILD = Info("hxi_build", "Version of this worker", registry=REGISTRY)

for _reason in Reason:
    DEAD_LETTERED.labels(_reason.value)
for _target in ("database", "broker", "dead_letters"):
    RETRIES.labels(_target)
for _table in Written.of(Rows(), 0).rows_by_table:
    ROWS.labels(_table)
