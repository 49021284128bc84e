"""``hxi dev``: an embedded broker and database to try things on."""

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


class Stopped(Exception):
    """SIGTERM or SIGINT came."""


def run_dev(settings: Settings) -> None:
    """Start both servers, print where they are, and run until stopped."""
    stop_on_signals()
    with suppress(Stopped), embedded_servers(settings.data_dir) as servers:
        _prepare(settings, servers)
        print(f"HXI_KAFKA_BOOTSTRAP={servers.bootstrap}", flush=True)
        print(f"HXI_DATABASE_URL={servers.database_url}", flush=True)
        say(f"both keep their data in {settings.data_dir}; Ctrl-C stops them")
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # two at once can pass a handler by, but not a wait
        signal.sigwait(SIGNALS)
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


def _prepare(settings: Settings, servers: Servers) -> None:
    try:
        migrate(servers.database_url)
    except SchemaMismatch as error:
        raise CommandFailed(str(error)) from None
    ensure_topics(settings.model_copy(update={"kafka_bootstrap": servers.bootstrap}))
