"""``python -m benchmarks``: what an event costs the worker, how soon it is seen, memory, judging emotions."""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from agents.embedded import Broker as EmbeddedBroker
from agents.embedded import Postgres
from benchmarks import drain, emotions, freshness, report, state
from benchmarks.loads import LOADS
from benchmarks.rig import Servers
from tests.servers.choice import choose_broker

MEASUREMENTS = ("drain", "fresh", "state", "emotions")
RATES = (1_000, 2_000, 5_000)


def main() -> None:
    """Measure what is wanted and print a table of each."""
    options = _options()
    choice = choose_broker(embedded=EmbeddedBroker.start)
    found: dict[str, Any] = {"broker": choice.kind.value}
    with tempfile.TemporaryDirectory(prefix="hxi-bench-") as name:
        folder = Path(name)
        with choice.open(folder / "broker") as broker, Postgres.start(folder) as postgres:
            pids = {"postgres": postgres.pid}
            if (pid := getattr(broker, "pid", None)) is not None:
                pids["broker"] = pid
            servers = Servers(broker.address, postgres.address, pids, folder)
            for what in MEASUREMENTS:
                if what in (options.only or MEASUREMENTS):
                    found |= _MEASURE[what](options, servers)
    print("\n".join(choice.report()))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=MEASUREMENTS, action="append", help="only this; may be repeated")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures to this file")
    of_drain = parser.add_argument_group("drain")
    of_drain.add_argument("--events", type=int, default=300_000, help="events per load (300000)")
    of_drain.add_argument("--load", choices=LOADS, action="append", help="only this load; may be repeated")
    of_fresh = parser.add_argument_group("fresh")
    of_fresh.add_argument("--rate", type=int, action="append", help="events/s (1000, 2000, 5000); may be repeated")
    of_fresh.add_argument("--seconds", type=float, default=30, help="how long each (30)")
    of_state = parser.add_argument_group("state")
    of_state.add_argument("--sessions", type=int, default=1_000, help="sessions active at once (1000)")
    of_state.add_argument("--hours", type=float, default=3, help="simulated hours (3)")
    return parser.parse_args()


def _drain(options: argparse.Namespace, servers: Servers) -> dict[str, Any]:
    loads, doubts = {}, {}
    for load in options.load or LOADS:
        loads[load], doubts[load] = drain.measure(load, options.events, servers)
    print(report.columns(drain.LINES, loads))
    _doubt(doubts)
    return {"events": options.events, "loads": loads, "doubts": doubts}


def _fresh(options: argparse.Namespace, servers: Servers) -> dict[str, Any]:
    rates, doubts = {}, {}
    for rate in options.rate or RATES:
        name = f"{rate}/s"
        rates[name], doubts[name] = freshness.measure(rate, options.seconds, servers)
    print(report.columns(freshness.LINES, rates))
    _doubt(doubts)
    return {"fresh": rates, "fresh_doubts": doubts}


def _state(options: argparse.Namespace, servers: Servers) -> dict[str, Any]:
    slices, figures = state.measure(options.sessions, options.hours, servers)
    print(report.rows(state.SLICE_LINES, slices))
    print(report.columns(state.LINES, {"state": figures}))
    return {"state": figures, "state_slices": slices}


def _emotions(_options: argparse.Namespace, _servers: Servers) -> dict[str, Any]:
    figures = emotions.measure()
    print(report.columns(emotions.LINES, {"emotions": figures}))
    return {"emotions": figures}


_MEASURE = {"drain": _drain, "fresh": _fresh, "state": _state, "emotions": _emotions}


def _doubt(doubts: dict[str, list[str]]) -> None:
    for name, reasons in doubts.items():
        for reason in reasons:
            print(f"DO NOT BELIEVE {name}: {reason}.")


if __name__ == "__main__":
    main()
