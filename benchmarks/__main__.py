"""``python -m benchmarks``: what an event costs the worker, how soon it is seen, how all of that grows.

Prints one table in the end, and writes the same figures as JSON.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from agents.embedded import Broker as EmbeddedBroker
from agents.embedded import Postgres
from benchmarks import analysts, crowd, drain, emotions, freshness, growth, hostile, micro, neighbours, sizes, state
from benchmarks.loads import LOADS
from benchmarks.report import Section, table
from benchmarks.rig import Servers
from tests.servers.choice import choose_broker

RATES = (1_000, 2_000, 5_000)
JSON = Path("build/benchmarks.json")

Doubts = dict[str, list[str]]
"""By what was measured, why its figures are not to be believed."""

Measurement = Callable[[argparse.Namespace, Servers, Doubts], Iterator[Section]]


def main() -> None:
    """Measure what is wanted."""
    options = _options()
    choice = choose_broker(embedded=EmbeddedBroker.start)
    sections: list[Section] = []
    doubts: Doubts = {}
    with tempfile.TemporaryDirectory(prefix="hxi-bench-") as name:
        folder = Path(name)
        with choice.open(folder / "broker") as broker, Postgres.start(folder) as postgres:
            pids = {"postgres": postgres.pid}
            if (pid := getattr(broker, "pid", None)) is not None:
                pids["broker"] = pid
            servers = Servers(broker.address, postgres.address, pids, folder)
            for what, measure in MEASUREMENTS.items():
                if what in (options.only or MEASUREMENTS):
                    sections += measure(options, servers, doubts)
    print(table(sections))
    for name, reasons in doubts.items():
        for reason in reasons:
            print(f"DO NOT BELIEVE {name}: {reason}.")
    print("\n".join(choice.report()))
    figures = {section.title: section.results for section in sections}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps({"broker": choice.kind.value, "doubts": doubts} | figures, indent=2) + "\n")
    print(f"The figures are in {options.json}.")


def _drain(options: argparse.Namespace, servers: Servers, doubts: Doubts) -> Iterator[Section]:
    loads = {}
    for load in options.load or LOADS:
        loads[load], doubts[load] = drain.measure(load, options.events, servers)
    yield Section(f"drain of {options.events} events", drain.LINES, loads)


def _fresh(options: argparse.Namespace, servers: Servers, doubts: Doubts) -> Iterator[Section]:
    rates = {}
    for rate in options.rate or RATES:
        name = f"{rate}/s"
        rates[name], doubts[name] = freshness.measure(rate, options.seconds, servers)
    yield Section("freshness", freshness.LINES, rates)


def _crowd(options: argparse.Namespace, servers: Servers, _doubts: Doubts) -> Iterator[Section]:
    yield Section("crowd", crowd.LINES, {"": crowd.measure(options.crowd, servers)})


def _hostile(options: argparse.Namespace, servers: Servers, doubts: Doubts) -> Iterator[Section]:
    figures, doubts["hostile"] = hostile.measure(options.hostile, servers)
    yield Section(f"hostile, {options.hostile} records", hostile.LINES, {"": figures})


def _neighbours(options: argparse.Namespace, servers: Servers, doubts: Doubts) -> Iterator[Section]:
    figures, doubts["neighbours"] = neighbours.measure(options.abuse_seconds, servers)
    yield Section(f"neighbours, {options.abuse_seconds:g} s each", neighbours.LINES, figures)


def _growth(options: argparse.Namespace, servers: Servers, _doubts: Doubts) -> Iterator[Section]:
    events = options.events // 3
    yield Section(f"growth, from {events} events", growth.LINES, growth.measure(events, servers))


def _state(options: argparse.Namespace, servers: Servers, _doubts: Doubts) -> Iterator[Section]:
    slices, figures = state.measure(options.sessions, options.hours, servers)
    yield Section("state", state.SLICE_LINES, {f"{minutes} min": row for minutes, row in slices.items()})
    yield Section("state, all told", state.LINES, {"": figures})


def _sizes(options: argparse.Namespace, servers: Servers, _doubts: Doubts) -> Iterator[Section]:
    yield Section("sizes", sizes.LINES, {"": sizes.measure(options.events // 3, servers)})


def _micro(_options: argparse.Namespace, servers: Servers, _doubts: Doubts) -> Iterator[Section]:
    yield Section("single steps", micro.LINES, micro.measure(servers.folder))


def _emotions(_options: argparse.Namespace, _servers: Servers, _doubts: Doubts) -> Iterator[Section]:
    yield Section("emotions", emotions.LINES, {"": emotions.measure()})


def _analysts(options: argparse.Namespace, servers: Servers, doubts: Doubts) -> Iterator[Section]:
    figures, doubts["analysts"] = analysts.measure(options.history, servers)
    yield Section(f"analysts, {options.history} events", analysts.lines(), figures)


MEASUREMENTS: dict[str, Measurement] = {
    "drain": _drain,
    "fresh": _fresh,
    "crowd": _crowd,
    "hostile": _hostile,
    "neighbours": _neighbours,
    "growth": _growth,
    "state": _state,
    "sizes": _sizes,
    "micro": _micro,
    "emotions": _emotions,
    "analysts": _analysts,
}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=MEASUREMENTS, action="append", help="only this; may be repeated")
    parser.add_argument("--json", type=Path, metavar="PATH", default=JSON, help=f"where the figures go ({JSON})")
    of_drain = parser.add_argument_group("drain")
    of_drain.add_argument(
        "--events", type=int, default=300_000, help="events per load (300000); a third for growth and sizes"
    )
    of_drain.add_argument("--load", choices=LOADS, action="append", help="only this load; may be repeated")
    of_fresh = parser.add_argument_group("fresh")
    of_fresh.add_argument("--rate", type=int, action="append", help="events/s (1000, 2000, 5000); may be repeated")
    of_fresh.add_argument("--seconds", type=float, default=30, help="how long each (30)")
    of_crowd = parser.add_argument_group("crowd")
    of_crowd.add_argument("--crowd", type=int, default=50_000, help="sessions active at once (50000)")
    of_hostile = parser.add_argument_group("hostile")
    of_hostile.add_argument("--hostile", type=int, default=200_000, help="records, good and then mixed (200000)")
    of_neighbours = parser.add_argument_group("neighbours")
    of_neighbours.add_argument("--abuse-seconds", type=float, default=30, help="how long each of three (30)")
    of_analysts = parser.add_argument_group("analysts")
    of_analysts.add_argument("--history", type=int, default=5_000_000, help="events to be asked of (5000000)")
    of_state = parser.add_argument_group("state")
    of_state.add_argument("--sessions", type=int, default=1_000, help="sessions active at once (1000)")
    of_state.add_argument("--hours", type=float, default=3, help="simulated hours (3)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
