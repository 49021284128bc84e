"""``hxi dev``: an embedded broker and database to try things on."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from agents.commands.output import CommandFailed, say
from agents.embedded import Broker, EmbeddedServerError, Postgres
from agents.settings import Settings
from agents.topics import ensure_topics
from pipeline.sinks.migrations import SchemaMismatch, migrate

SIGNALS = {signal.SIGTERM, signal.SIGINT}


class Servers(NamedTuple):
    """Where the servers are."""

    bootstrap: str
    database_url: str


class Stopped(BaseException):
    """SIGTERM or SIGINT came. Like KeyboardInterrupt, it is not for libraries that catch every Exception."""


def run_dev(settings: Settings) -> None:
    """Start both servers, print where they are, and run until stopped."""
    stop_on_signals()
    with suppress(Stopped), embedded_servers(settings.data_dir) as servers:
        _prepare(settings, servers)
        asked_to_stop = note_signals()
        print(f"HXI_KAFKA_BOOTSTRAP={servers.bootstrap}", flush=True)
        print(f"HXI_DATABASE_URL={servers.database_url}", flush=True)
        say(f"both keep their data in {settings.data_dir}; Ctrl-C stops them")
        os.read(asked_to_stop, 1)
    say("stopped")


@contextmanager
def embedded_servers(data_dir: Path) -> Iterator[Servers]:
    """Run a PostgreSQL and a Kafka-speaking broker on ``data_dir`` while the block runs.

    Raises:
        CommandFailed: one of them does not start.
    """
    with ExitStack() as running:
        try:
            postgres = running.enter_context(Postgres.start(data_dir))
            broker = running.enter_context(Broker.start(data_dir))
        except EmbeddedServerError as error:
            raise CommandFailed(str(error)) from None
        yield Servers(broker.address, postgres.address)


def stop_on_signals() -> None:
    """Let the first SIGTERM or SIGINT raise :class:`Stopped`, and no later one disturb what it sets off."""

    def stop(signum: int, frame: object) -> None:
        for known in SIGNALS:
            signal.signal(known, signal.SIG_IGN)
        raise Stopped

    for known in SIGNALS:
        signal.signal(known, stop)


def note_signals() -> int:
    """Let SIGTERM and SIGINT raise nothing from here on; what is returned can be read from once one has come.

    The kernel may hand a signal to any thread, and a main thread that only waits would never run its handler: so the
    byte is written by the interpreter's own handler, in whichever thread that is.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    for known in SIGNALS:
        signal.signal(known, lambda *_: None)
    return reader


def _prepare(settings: Settings, servers: Servers) -> None:
    try:
        migrate(servers.database_url)
    except SchemaMismatch as error:
        raise CommandFailed(str(error)) from None
    ensure_topics(settings.at_own_broker(servers.bootstrap))
