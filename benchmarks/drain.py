"""Drain: a backlog of one load, one worker, and how long it reads; then PostgreSQL alone with what came out.

And what Faust takes for some of the same mix: an agent that does nothing, and the job as its user guide teaches it.
"""

import subprocess
import sys

from benchmarks.floor import floor, rows_by_table
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
    "stock_cpu_us": ("Faust agent doing nothing: CPU µs per event", 1),
    "guide_events_per_s": ("the job as Faust's guide has it: events/s", 0),
    "guide_cpu_us": ("the job as Faust's guide has it: CPU µs per event", 1),
    "control_before_s": ("control loop before: CPU s", 3),
    "control_after_s": ("control loop after: CPU s", 3),
    "others_share": ("others' share of the machine", 2),
}
"""Every figure, how the table calls it, and its decimals."""


COMPARED = "mix"
"""The load that Faust is measured with."""

MOST_COMPARED = 10_000
"""Events for Faust: at 1.4 ms each, more would take minutes."""


def measure(load: str, events: int, servers: Servers) -> tuple[Figures, list[str]]:
    """Return a load's figures, and why they are not to be believed."""
    rig = Rig.prepare(load, servers)
    say(f"{load}: publishing {events} events")
    records = rig.publish(LOADS[load](events))
    before = Control.run()
    say(f"{load}: a worker reads {records} records")
    figures, rows = read(rig, records, events)
    after = Control.run()
    say(f"{load}: PostgreSQL alone")
    transactions = round(figures["worker_transactions"] or 1)
    figures |= floor(rig.database_url, servers.pids["postgres"], events, transactions, rows)
    figures["ratio"] = (figures["worker_events_per_s"] or 0) / (figures["floor_events_per_s"] or 1)
    if load == COMPARED:
        figures |= _faust(load, min(events, MOST_COMPARED), servers)
    figures |= {"control_before_s": before.cpu_s, "control_after_s": after.cpu_s}
    return figures, doubts(before, after, figures["others_share"] or 0)


def read(rig: Rig, records: int, events: int) -> tuple[Figures, dict[str, int]]:
    """Run a worker on what is in the topic; count from when it begins to read until the ledger stands at the end.

    Returns:
        Its figures, and how many rows each table had at that moment.
    """
    with rig.worker() as worker:
        meter = Meter({**rig.servers.pids, "worker": worker.pid})
        worker.wait_until_written(records)
        spent = meter.read()
        rows = rows_by_table(rig.database_url)
        worker.wait_until_counted(events)
        figures: Figures = {f"{name}_cpu_us": cpu / events * 1e6 for name, cpu in spent.cpu_s.items()}
        figures |= {
            "worker_events_per_s": events / spent.wall_s,
            "worker_peak_mib": peak_mib(worker.pid),
            "worker_transactions": worker.metric("hxi_flush_seconds_count"),
            "others_share": spent.others_share,
        }
        return figures, rows


def _faust(load: str, events: int, servers: Servers) -> Figures:
    rig = Rig.prepare(f"{load}-faust", servers)
    records = rig.publish(LOADS[load](events))
    say(f"{load}: a Faust agent that does nothing, {events} events")
    (stock_cpu_us,) = _figures("benchmarks.stock", servers.bootstrap, rig.events_topic, str(records))
    say(f"{load}: the job as Faust's guide has it, {events} events")
    wall_us, cpu_us = _figures("benchmarks.guide", servers.bootstrap, rig.events_topic, rig.database_url, str(records))
    return {"stock_cpu_us": stock_cpu_us, "guide_events_per_s": 1e6 / wall_us, "guide_cpu_us": cpu_us}


def _figures(module: str, *arguments: str) -> list[float]:
    """Return the figures in the last line that a module prints."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, check=True, timeout=PATIENCE_S)
    return [float(figure) for figure in done.stdout.splitlines()[-1].split()]
