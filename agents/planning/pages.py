"""Says a plan to people: what was measured, what is assumed, what follows, and what changes at this step."""

from dataclasses import replace
from math import log10

from agents.planning.costs import (
    ASSUMED,
    CROWD,
    DRAIN,
    MEASURED_HERE,
    MEMORY,
    REPLAYS,
    RETENTION,
    SIZES,
    Assumptions,
    Costs,
)
from agents.planning.load import CONNECTIONS_PER_WORKER, PEAK_TO_MEAN, Load, Plan, planned

Line = tuple[str, str, str]
"""What, how much, and where that is from."""

LOADS = (1_000, 10_000, 100_000, 1_000_000)
"""Those of docs/growing.md."""


def number(value: float) -> str:
    """Return ``value`` as people read it: three digits that count, thousands apart."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}"


def size(value: float) -> str:
    """Return so many bytes in a unit that suits them."""
    units = ("B", "kB", "MB", "GB", "TB", "PB")
    step = min(len(units) - 1, max(0, int(log10(max(value, 1)) / 3)))
    return f"{number(value / 1_000**step)} {units[step]}"


def measured(costs: Costs, source: str | None = None) -> list[Line]:
    """Return what was measured; what is not from the documentation is from ``source``."""
    return [
        ("a worker drains, events/s", number(costs.worker_events_per_s), source or DRAIN),
        ("worker: CPU per event", f"{number(costs.worker_cpu_us)} µs", source or DRAIN),
        ("PostgreSQL: CPU per event", f"{number(costs.postgres_cpu_us)} µs", source or DRAIN),
        ("worker: peak memory with 50 000 sessions", f"{number(costs.worker_peak_mib)} MiB", CROWD),
        ("worker: memory per event remembered", size(costs.id_bytes), MEMORY),
        ("a record of one event", size(costs.record_bytes), source or SIZES),
        ("rows per event", number(costs.rows), source or SIZES),
        ("tables and indexes per event", size(costs.stored_bytes), source or SIZES),
        ("write-ahead log per event", size(costs.wal_bytes), source or SIZES),
        ("stored of a byte of replay", number(costs.stored_per_replay_byte), source or SIZES),
        ("worker: CPU per kB of replay", f"{number(costs.worker_replay_cpu_us_per_kb)} µs", REPLAYS),
        ("PostgreSQL: CPU per kB of replay", f"{number(costs.postgres_replay_cpu_us_per_kb)} µs", REPLAYS),
        ("a replay chunk", size(costs.replay_chunk_bytes), REPLAYS),
        ("write-ahead log of a byte of replay", number(costs.wal_per_replay_byte), REPLAYS),
        ("hxi retention removes, replays", f"{number(costs.removed_replay_mb_per_s)} MB/s", REPLAYS),
        ("write-ahead log of a byte of replay removed", number(costs.removed_wal_per_replay_byte), REPLAYS),
        *(
            (f"hxi retention removes, {table}/s", number(costs.removed_rows_per_s[table]), RETENTION)
            for table in costs.sizes
        ),
        ("PostgreSQL: CPU per row removed", f"{number(costs.removed_row_cpu_us)} µs", RETENTION),
        ("write-ahead log per row removed", size(costs.removed_row_wal_bytes), RETENTION),
    ]


def assumed(rules: Assumptions = ASSUMED, peak_to_mean: float = PEAK_TO_MEAN) -> list[Line]:
    """Return what nobody has measured."""
    return [
        (
            "the busiest hour, times the day's mean",
            number(peak_to_mean),
            "--peak-to-mean; disks and removing go by the mean",
        ),
        ("busy at the busiest", f"{rules.busy:.0%}", "the rest is for backlogs and for workers that die"),
        ("one database takes, events/s", number(rules.database_events_per_s), "18 000 is the most that was tried"),
        ("one database holds", f"{number(rules.database_tb)} TB", "backups, vacuum and restores take their time"),
        ("one broker takes", f"{number(rules.broker_mb_per_s)} MB/s", "of what it is leader or follower of"),
        ("topics keep", f"{number(rules.topic_days)} days", "Kafka's default, uncompressed"),
        ("replicas of a partition", number(rules.replicas), "usual"),
        ("partitions per worker", number(rules.partitions_per_worker), "room to grow: they cannot be added later"),
    ]


def calculated(plan: Plan) -> list[Line]:
    """Return what follows."""
    days = plan.bytes_per_day
    return [
        ("databases", number(plan.databases), "by events/s and by what is stored"),
        ("workers", number(plan.workers), f"{number(plan.workers_per_database)} for each database"),
        ("workers: cores", number(plan.worker_cores), "busy; a worker uses one"),
        ("worker: memory", f"{number(plan.worker_mib)} MiB", "each"),
        (
            "partitions of each source topic",
            number(plan.partitions),
            "the same of both; a worker per partition at most",
        ),
        ("brokers", number(plan.brokers), "by throughput, replicas included"),
        ("topics: throughput", f"{number(plan.topic_mb_per_s)} MB/s", "in, and out again to the workers"),
        ("topics: disk", size(plan.topic_tb * 1e12), "replicas included"),
        (
            "connections of workers",
            number(plan.connections_per_database),
            f"to each database, {CONNECTIONS_PER_WORKER} each",
        ),
        (
            "PostgreSQL: cores",
            number(plan.postgres_cores_per_database),
            "of each database, removing included, your queries not",
        ),
        (
            "PostgreSQL: recent rows",
            size(plan.recent_gb_per_database * 1e9),
            "of each, of half an hour: keep them in memory",
        ),
        ("PostgreSQL: rows/s", number(plan.rows_per_s), "inserted or merged, all databases"),
        (
            "PostgreSQL: write-ahead log",
            f"{number(plan.wal_mb_per_s)} MB/s",
            "all databases, removing included",
        ),
        ("PostgreSQL: disk", size(plan.stored_tb * 1e12), "all databases, by the days that rows stay"),
        (
            "hxi retention: share of its time",
            f"{plan.removing_at_once:.0%}",
            "of each database: to keep up with what comes",
        ),
        *(
            (f"{table}: a day", size(days[table]), f"with indexes; rows stay for {number(plan.days_kept[table])} days")
            for table in sorted(days, key=days.__getitem__, reverse=True)
        ),
    ]


def changes(load: Load, plan: Plan) -> list[str]:
    """Return for how long rows are taken to stay, and what is different at this step from the one before."""
    return [kept(load), *_changes(load, plan)]


def kept(load: Load) -> str:
    """Return the sentence that says by which days the disk is worked out."""
    rest = f"{number(load.retention_days)} days (--retention-days)"
    if load.days:
        return f"Rows stay for as long as HXI_RETENTION_…_DAYS say, those of other tables for {rest}."
    return (
        f"Rows of all tables are taken to stay for {rest}: set HXI_RETENTION_…_DAYS as for hxi retention, and the disk"
        " is worked out table by table. What stays for good, or for 400 days, needs many times that disk."
    )


def _changes(load: Load, plan: Plan) -> list[str]:
    if plan.workers == 1:
        return [
            "One worker and one database: nothing to change. Run hxi retention from cron once a day.",
            "A second worker costs little and takes over within seconds.",
        ]
    found = [
        f"Several workers: make the topics with HXI_TOPIC_PARTITIONS={plan.partitions_per_database} from the start."
        " Adding partitions later moves sessions from one to another while they go on.",
        "PostgreSQL on a machine of its own; queries of analysts on a read replica; hxi retention every hour.",
    ]
    if plan.databases > 1:
        found += [
            f"Several databases: route sessions to one of {plan.databases} by a hash of session_id, or by tenant,"
            " before Kafka. Each has topics, an HXI_APP_ID and workers of its own.",
            "Rows of a session stay right: they are all in one database. latency_rollups and users have to be put"
            " together over all databases (docs/growing.md).",
        ]
    by_rate = planned(replace(load, retention_days=0, days={}))
    if plan.databases > by_rate.databases and any(plan.days_kept.values()):
        found.append(
            f"What is stored decides, not the load: {number(by_rate.databases)} would take it in. Remove events and"
            " replays sooner than the rest (HXI_RETENTION_EVENTS_DAYS, HXI_RETENTION_REPLAYS_DAYS)."
        )
    if plan.removing_at_once > 0.5:
        found.append("hxi retention hardly keeps up: run several at once, or partition the tables (docs/growing.md).")
    return found


def growing_table(retention_days: float) -> str:
    """Return the table of docs/growing.md for rows that stay so long."""
    plans = [planned(Load(load, retention_days)) for load in LOADS]
    columns = [calculated(plan) for plan in plans]
    titles = " | ".join(number(load) for load in LOADS)
    lines = [f"| events/s | {titles} |", "|---" * (1 + len(plans)) + "|"]
    for same in zip(*columns, strict=True):
        if not same[0][0].endswith("a day"):
            lines.append(f"| {same[0][0]} | {' | '.join(text for _, text, _ in same)} |")
    return "\n".join(lines) + "\n"


def sizes_table(costs: Costs = MEASURED_HERE) -> str:
    """Return the table of docs/growing.md that says what an event leaves behind."""
    lines = ["| table | rows per event | bytes per event |", "|---|---|---|"]
    for table, of_event in costs.sizes.items():
        lines.append(f"| `{table}` | {number(of_event.rows)} | {number(of_event.bytes)} |")
    lines.append(f"| all of them | {number(costs.rows)} | {number(costs.stored_bytes)} |")
    return "\n".join(lines) + "\n"
