"""Drain: a backlog of one load, one worker, and how long it reads; then PostgreSQL alone with what came out."""

import subprocess
import sys

from benchmarks.floor import floor
from benchmarks.loads import LOADS
from benchmarks.measuring import Control, Meter, doubts, peak_mib
from benchmarks.rig import PATIENCE_S, REPOSITORY, Figures, Rig, Servers, say

LINES = {
    "worker_events_per_s": ("worker: events/s", 0),
    "worker_cpu_us": ("worker: CPU µs per event", 1),
    "worker_peak_mib": ("worker: peak memory, MiB", 0),
    "worker_transactions": ("worker: transactions", 0),
    "postgres_cpu_us": ("PostgreSQL: CPU µs per event", 1),
    "broker_cpu_us": ("broker: CPU µs per event", 1),
    "floor_events_per_s": ("all that came out, by COPY alone: events/s", 0),
    "floor_rows_per_s": ("all that came out, by COPY alone: rows/s", 0),
    "floor_rows_per_event": ("rows per event", 2),
    "floor_postgres_cpu_us": ("COPY alone: PostgreSQL CPU µs per event", 1),
    "ratio": ("worker / COPY alone", 2),
    "stock_cpu_us": ("stock Faust agent doing nothing: CPU µs", 1),
    "control_before_s": ("control loop before: CPU s", 3),
    "control_after_s": ("control loop after: CPU s", 3),
    "others_share": ("others' share of the machine", 2),
}
"""Every figure, how the table calls it, and its decimals."""


def measure(load: str, events: int, servers: Servers, stock: bool) -> tuple[Figures, list[str]]:
    """Return a load's figures, and why they are not to be believed."""
    rig = Rig.prepare(load, servers)
    say(f"{load}: publishing {events} events")
    records = rig.publish(LOADS[load](events))
    before = Control.run()
    say(f"{load}: a worker reads {records} records")
    figures = _read(rig, records, events)
    after = Control.run()
    say(f"{load}: PostgreSQL alone")
    transactions = round(figures["worker_transactions"] or 1)
    figures |= floor(rig.database_url, servers.pids["postgres"], events, transactions)
    figures["ratio"] = (figures["worker_events_per_s"] or 0) / (figures["floor_events_per_s"] or 1)
    if stock:
        say(f"{load}: a stock Faust agent")
        figures["stock_cpu_us"] = _stock(servers.bootstrap, rig.events_topic, records)
    figures |= {"control_before_s": before.cpu_s, "control_after_s": after.cpu_s}
    return figures, doubts(before, after, figures["others_share"] or 0)


def _read(rig: Rig, records: int, events: int) -> Figures:
    """Run a worker; count from when it begins to read until the ledger stands at the end."""
    with rig.worker() as worker:
        meter = Meter({**rig.servers.pids, "worker": worker.pid})
        worker.wait_until_written(records)
        spent = meter.read()
        worker.wait_until_counted(events)
        figures: Figures = {f"{name}_cpu_us": cpu / events * 1e6 for name, cpu in spent.cpu_s.items()}
        return figures | {
            "worker_events_per_s": events / spent.wall_s,
            "worker_peak_mib": peak_mib(worker.pid),
            "worker_transactions": worker.metric("hxi_flush_seconds_count"),
            "others_share": spent.others_share,
        }


def _stock(bootstrap: str, topic: str, records: int) -> float:
    command = [sys.executable, "-m", "benchmarks.stock", bootstrap, topic, str(records)]
    done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, check=True, timeout=PATIENCE_S)
    return float(done.stdout.split()[-1])
