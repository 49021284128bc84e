"""``python -m benchmarks``: what an event costs the worker, and what the same rows cost PostgreSQL alone."""

import argparse
import json
import tempfile
from pathlib import Path

from agents.embedded import Broker as EmbeddedBroker
from agents.embedded import Postgres
from benchmarks.bench import Figures, measure
from benchmarks.loads import LOADS
from tests.servers.choice import choose_broker

_LINES = {
    "worker_events_per_s": ("worker: events/s", 0),
    "worker_cpu_us": ("worker: CPU µs per event", 1),
    "worker_peak_mib": ("worker: peak memory, MiB", 0),
    "postgres_cpu_us": ("PostgreSQL: CPU µs per event", 1),
    "broker_cpu_us": ("broker: CPU µs per event", 1),
    "floor_rows_per_s": ("PostgreSQL alone, binary COPY: rows/s", 0),
    "floor_postgres_cpu_us": ("PostgreSQL alone: CPU µs per row", 1),
    "ratio": ("worker / PostgreSQL alone", 2),
    "stock_cpu_us": ("stock Faust agent doing nothing: CPU µs", 1),
    "control_before_s": ("control loop before: CPU s", 3),
    "control_after_s": ("control loop after: CPU s", 3),
    "others_share": ("others' share of the machine", 2),
}
"""Every figure, how the table calls it, and its decimals."""


def main() -> None:
    """Measure every load and print one table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000, help="events per load (100000)")
    parser.add_argument("--load", choices=LOADS, action="append", help="only this load; may be repeated")
    parser.add_argument("--stock", action="store_true", help="measure a stock Faust agent that does nothing, too")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures to this file")
    options = parser.parse_args()
    choice = choose_broker(embedded=EmbeddedBroker.start)
    results: dict[str, Figures] = {}
    doubts: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory(prefix="hxi-bench-") as name:
        folder = Path(name)
        with choice.open(folder / "broker") as broker, Postgres.start(folder) as postgres:
            pids = {"postgres": postgres.pid}
            if (pid := getattr(broker, "pid", None)) is not None:
                pids["broker"] = pid
            for load in options.load or LOADS:
                results[load], doubts[load] = measure(
                    load, options.events, broker.address, postgres.address, pids, folder, options.stock
                )
    _show(results, doubts)
    print("\n".join(choice.report()))
    if options.json:
        report = {"events": options.events, "broker": choice.kind.value, "loads": results, "doubts": doubts}
        options.json.write_text(json.dumps(report, indent=2) + "\n")


def _show(results: dict[str, Figures], doubts: dict[str, list[str]]) -> None:
    print(f"{'':44}" + "".join(f"{load:>12}" for load in results))
    for key, (title, decimals) in _LINES.items():
        cells = [figures.get(key) for figures in results.values()]
        if any(cell is not None for cell in cells):
            print(f"{title:44}" + "".join(f"{'-' if cell is None else f'{cell:.{decimals}f}':>12}" for cell in cells))
    for load, reasons in doubts.items():
        for reason in reasons:
            print(f"DO NOT BELIEVE {load}: {reason}.")


if __name__ == "__main__":
    main()
