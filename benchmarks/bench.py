"""One load through one worker: topics and a database of its own, a backlog, and the time to read it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import psycopg

from agents.commands.kafka import sending
from agents.settings import load_settings
from benchmarks.floor import floor
from benchmarks.loads import LOADS, Message
from benchmarks.measuring import Control, cpu_s, doubts, machine_s, peak_mib
from pipeline.sinks.migrations import migrate
from tests.servers.child_process import spawn

REPOSITORY = Path(__file__).parent.parent
PATIENCE_S = 600.0

Figures = dict[str, float | None]


def measure(
    name: str, events: int, bootstrap: str, server_url: str, pids: Mapping[str, int], folder: Path, stock: bool
) -> tuple[Figures, list[str]]:
    """Return a load's figures, and why they are not to be believed.

    ``pids`` are those of the servers whose CPU time is wanted: "postgres", and "broker" where it is a process here.
    """
    environment = _environment(name, bootstrap, _new_database(server_url, name), folder)
    _say(f"{name}: publishing {events} events")
    records = _publish(environment, LOADS[name](events))
    before = Control.run()
    _say(f"{name}: a worker reads {records} records")
    figures = _read(environment, folder / f"{name}.log", records, events, pids)
    after = Control.run()
    _say(f"{name}: PostgreSQL alone")
    figures |= floor(environment["HXI_DATABASE_URL"], pids["postgres"])
    figures["ratio"] = (figures["worker_events_per_s"] or 0) / (figures["floor_rows_per_s"] or 1)
    if stock:
        _say(f"{name}: a stock Faust agent")
        figures["stock_cpu_us"] = _stock(bootstrap, environment["HXI_EVENTS_TOPIC"], records)
    figures |= {"control_before_s": before.cpu_s, "control_after_s": after.cpu_s}
    return figures, doubts(before, after, figures["others_share"] or 0)


def _environment(name: str, bootstrap: str, database_url: str, folder: Path) -> dict[str, str]:
    """Everything else is left at its default."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("HXI_")}
    app_id = f"bench-{os.getpid()}-{name}"
    return inherited | {
        "HXI_KAFKA_BOOTSTRAP": bootstrap,
        "HXI_DATABASE_URL": database_url,
        "HXI_APP_ID": app_id,
        "HXI_EVENTS_TOPIC": f"{app_id}-events",
        "HXI_REPLAY_TOPIC": f"{app_id}-replay",
        "HXI_DEAD_LETTER_TOPIC": f"{app_id}-dead-letter",
        "HXI_DATA_DIR": str(folder / "data"),
        "HXI_WEB_PORT": "0",
    }


def _new_database(server_url: str, name: str) -> str:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    url = server_url.rpartition("/")[0] + f"/{name}"
    migrate(url)
    return url


def _publish(environment: Mapping[str, str], messages: Iterator[Message]) -> int:
    records = 0
    with sending(load_settings(environment)) as send:
        for message in messages:
            send(environment["HXI_EVENTS_TOPIC"], *message)
            records += 1
    return records


def _read(environment: Mapping[str, str], log: Path, records: int, events: int, servers: Mapping[str, int]) -> Figures:
    """Run a worker; count from when it begins to read until the ledger stands at the end."""
    worker = spawn([sys.executable, "-m", "agents", "worker"], log, env=environment, cwd=REPOSITORY)
    try:
        _wait_until_reading(worker, log)
        pids = {**servers, "worker": worker.pid}
        began, machine, own = time.monotonic(), machine_s(), time.process_time()
        used = {name: cpu_s(pid) for name, pid in pids.items()}
        _wait_until_written(worker, log, environment["HXI_DATABASE_URL"], records)
        wall = time.monotonic() - began
        spent = {name: cpu_s(pid) - used[name] for name, pid in pids.items()}
        others = machine_s() - machine - sum(spent.values()) - (time.process_time() - own)
        figures: Figures = {f"{name}_cpu_us": cpu / events * 1e6 for name, cpu in spent.items()}
        return figures | {
            "worker_events_per_s": events / wall,
            "worker_peak_mib": peak_mib(worker.pid),
            "others_share": max(0.0, others) / wall / (psutil.cpu_count() or 1),
        }
    finally:
        worker.terminate()
        worker.wait(30)


def _wait_until_reading(worker: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while b"Reading " not in log.read_bytes():
        _check(worker, log, deadline)
        time.sleep(0.005)


def _wait_until_written(worker: "subprocess.Popen[bytes]", log: Path, url: str, records: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute("SELECT sum(next_offset) FROM hxi_state.ledger").fetchall() != [(records,)]:
            _check(worker, log, deadline)
            time.sleep(0.02)


def _check(worker: "subprocess.Popen[bytes]", log: Path, deadline: float) -> None:
    if worker.poll() is not None or time.monotonic() > deadline:
        raise SystemExit(f"the worker ended, or took too long; it said:\n{log.read_text('utf-8', 'replace')}")


def _stock(bootstrap: str, topic: str, records: int) -> float:
    command = [sys.executable, "-m", "benchmarks.stock", bootstrap, topic, str(records)]
    done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, check=True, timeout=PATIENCE_S)
    return float(done.stdout.split()[-1])


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
