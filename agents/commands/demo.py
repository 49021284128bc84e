"""``hxi demo``: servers, migration, worker, traffic, tables, once; everything stopped again.

``HXI_KAFKA_BOOTSTRAP`` and ``HXI_DATABASE_URL`` lead elsewhere, each for itself. What is
embedded lives in a directory of its own under ``HXI_DATA_DIR`` and is gone afterwards; beside it
a report stays.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agents.commands.dev import SIGNALS, Stopped, stop_on_signals
from agents.commands.generate import dumps
from agents.commands.kafka import sending
from agents.commands.output import CommandFailed, progress, say
from agents.commands.report import draw
from agents.commands.summary import records_done, sessions_judged, show_summary
from agents.embedded import Broker, EmbeddedServerError, Postgres
from agents.settings import Settings
from pipeline.report import Period
from pipeline.simulation import Traffic, simulate
from pipeline.sinks.contract import Unavailable
from pipeline.sinks.migrations import SchemaMismatch, migrate

REPORT = "demo-report.html"

BEFORE = timedelta(hours=1)
"""So long ago the traffic begins: all of its sessions have ended since."""

PATIENCE_S = 120
"""A demo of the default size takes some seconds; after this long something is wrong."""

SEED = 7

BROKEN = (b'{"session_id": "not a UUID"', b'{"event_type": "click"}', b"[1, 2, 3]")
"""Three bad records, so that the dead letters have something to show."""


def run_demo(settings: Settings, events: int) -> None:
    """Send ``events`` through everything and show the tables."""
    stop_on_signals()
    try:
        _run(settings, events)
    except Stopped:
        raise CommandFailed("interrupted; all that was started is stopped") from None


def _run(settings: Settings, events: int) -> None:
    report = settings.data_dir.resolve() / REPORT
    with _workspace(settings) as workspace, ExitStack() as running:
        settings = _start_servers(settings, workspace, running)
        before = records_done(settings)
        running.enter_context(_worker(settings, workspace))
        began = time.monotonic()
        start = datetime.now(UTC).replace(tzinfo=None, second=0, microsecond=0) - BEFORE
        sent = _publish(settings, events, start)
        _wait_until_written(settings, before, sent)
        say(f"{sent} records through in {time.monotonic() - began:.1f} s, the worker's start included")
        show_summary(settings)
        _write_report(settings, start, report)


def _write_report(settings: Settings, start: datetime, file: Path) -> None:
    """Say what came out as a picture, too; a demo without the libraries for that is still one."""
    try:
        draw(settings, Period(start, start + BEFORE), file)
    except CommandFailed as error:
        say(f"no report: {error}")
    else:
        say(f"a report of it, to open in a browser: {file}")


def _start_servers(settings: Settings, workspace: Path, running: ExitStack) -> Settings:
    given = settings.model_fields_set
    update: dict[str, object] = {"data_dir": workspace}
    try:
        if "database_url" not in given:
            say("starting an embedded PostgreSQL")
            update["database_url"] = running.enter_context(Postgres.start(workspace)).address
        if "kafka_bootstrap" not in given:
            say("starting an embedded Kafka-speaking broker")
            settings = settings.at_own_broker(running.enter_context(Broker.start(workspace)).address)
    except EmbeddedServerError as error:
        raise CommandFailed(str(error)) from None
    settings = settings.model_copy(update=update)
    try:
        migrate(settings.database_url)
    except (SchemaMismatch, Unavailable) as error:
        raise CommandFailed(str(error)) from None
    return settings


@contextmanager
def _workspace(settings: Settings) -> Iterator[Path]:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    workspace = Path(tempfile.mkdtemp(prefix="demo-", dir=settings.data_dir)).resolve()
    try:
        yield workspace
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


@contextmanager
def _worker(settings: Settings, workspace: Path) -> Iterator[None]:
    """Run ``hxi worker`` beside us; its log is shown where it fails."""
    say("starting a worker")
    log = workspace / "worker.log"
    process = None
    try:
        with log.open("wb") as stream, _interrupts_wait():  # until there is a process to stop
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "agents", "worker"],
                env=_environment(settings, os.environ) | {"HXI_DATA_DIR": str(workspace), "HXI_WEB_PORT": "0"},
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        yield
    except CommandFailed:
        say(log.read_text("utf-8", "replace"))
        raise
    finally:
        if process is not None:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=15)


def _environment(settings: Settings, ours: Mapping[str, str]) -> dict[str, str]:
    """Return what the worker is told: of an embedded server the address, and nothing that was meant for another."""
    told = dict(ours)
    for name, address, about in (
        ("HXI_DATABASE_URL", settings.database_url, "HXI_DATABASE_"),
        ("HXI_KAFKA_BOOTSTRAP", settings.kafka_bootstrap, "HXI_KAFKA_"),
    ):
        if not ours.get(name):
            told = {key: value for key, value in told.items() if not key.startswith(about)} | {name: address}
    return told


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Let SIGTERM and SIGINT take effect when the block is done."""
    came: list[int] = []
    before = {known: signal.signal(known, lambda number, _: came.append(number)) for known in SIGNALS}
    try:
        yield
    finally:
        for known, handler in before.items():
            signal.signal(known, handler)
    if came:
        signal.raise_signal(came[0])


def _publish(settings: Settings, events: int, start: datetime) -> int:
    """Send simulated traffic and a few bad records; return how many outcomes to wait for."""
    traffic = Traffic(replay=True, sessions_per_minute=30)
    start_ms = int(start.replace(tzinfo=UTC).timestamp() * 1000)
    expected = 0
    with sending(settings) as send, progress("Publishing", events) as advance:
        for delivery in simulate(traffic, events=events, seed=SEED, start_ms=start_ms):
            topic = settings.replay_topic if delivery.is_replay else settings.events_topic
            send(topic, delivery.session_id.encode(), dumps(delivery).encode(), delivery.sent_at_ms)
            expected += 1
            advance(delivery.events)
        for raw in BROKEN:
            send(settings.events_topic, b"demo", raw)
            expected += 1
    return expected


def _wait_until_written(settings: Settings, before: int, sent: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    with progress("Writing", sent) as advance:
        done = 0
        while done < sent:
            if time.monotonic() > deadline:
                raise CommandFailed(f"only {done} of {sent} records were through after {PATIENCE_S} s")
            time.sleep(0.1)
            now = records_done(settings) - before
            advance(now - done)
            done = now
    while not sessions_judged(settings) and time.monotonic() < deadline:
        time.sleep(0.1)
