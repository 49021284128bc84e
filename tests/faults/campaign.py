"""A campaign: one deployment under traffic, struck by one fault after another, each recovered from before the next."""

import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

from agents.embedded import Postgres
from tests.deployment import REPOSITORY, Deployment, WorkerProcess, wait_until
from tests.faults import moments
from tests.faults.log import Fault, FaultLog, now
from tests.faults.producing import Order
from tests.servers.child_process import spawn
from tests.servers.choice import Broker
from tests.servers.proxied import proxied
from tests.servers.proxy import Proxy
from tests.servers.small_disk import SmallDisk

WORKERS = 3
"""Kept running: one of them through the proxies, so that it can be stopped at a named moment."""

ASSIGNED_WITHIN_S = 60.0
MOMENT_COMES_WITHIN_S = 60.0

RECOVERS_WITHIN_S = 120.0
"""After which a fault counts as one that does not heal by itself."""

Fire = Callable[["Campaign"], list[str]]
"""A fault: fires, undoes what it did, and returns what proves it, once for each time that it fired; else fails.

Where it goes on after its disturbance is over, it says so by :meth:`Campaign.heals`.
"""


@dataclass(frozen=True)
class Named:
    """A fault and what it is called in the report."""

    kind: str
    name: str
    fire: Fire


@dataclass
class Campaign:
    """A deployment and the servers and networks beneath it."""

    name: str
    deployment: Deployment
    chance: Random
    log: FaultLog
    postgres: Postgres
    broker: Broker
    to_postgres: Proxy
    to_broker: Proxy | None
    proxied: list[WorkerProcess] = field(default_factory=list)
    everything_proxied: bool = False
    disk: SmallDisk | None = None
    _healing_since: float | None = None
    _recovered_at: float | None = None

    @property
    def workers(self) -> list[WorkerProcess]:
        """The workers that run now, the oldest first."""
        return [worker for worker in self.deployment.workers if worker.running]

    @property
    def directory(self) -> Path:
        return self.deployment.directory

    @property
    def app_id(self) -> str:
        return self.deployment.environment["HXI_APP_ID"]

    def superuser(self) -> "psycopg.Connection[Any]":
        """Return a connection of the test's own to the campaign's database."""
        return psycopg.connect(self.deployment.database_url, autocommit=True)

    @property
    def proxied_database_url(self) -> str:
        """The campaign's database as workers see it, through the proxy."""
        return proxied(self.deployment.environment["HXI_DATABASE_URL"], self.to_postgres)

    def database_answers(self) -> bool:
        """Whether the server takes connections now."""
        try:
            self.superuser().close()
        except psycopg.OperationalError:
            return False
        return True

    def start_worker(self, *, proxied: bool = False) -> WorkerProcess:
        """Start a worker; ``proxied``: it reaches both servers through the proxies."""
        if not (proxied or self.everything_proxied):
            return self.deployment.start_worker()
        bootstrap = self.to_broker.address if self.to_broker else self.deployment.bootstrap
        worker = self.deployment.start_worker(HXI_DATABASE_URL=self.proxied_database_url, HXI_KAFKA_BOOTSTRAP=bootstrap)
        self.proxied.append(worker)
        return worker

    def staff(self) -> None:
        """Start as many workers as are missing, one of them proxied, and wait until they read everything."""
        while len(self.workers) < WORKERS:
            self.start_worker(proxied=not any(worker.running for worker in self.proxied))
        self.wait_until_all_is_read_by(*self.workers)

    def wait_until_all_is_read_by(self, *workers: WorkerProcess) -> None:
        """Wait until just these workers hold the partitions: each some, all between them."""
        partitions = len(self.deployment.ends())

        def read() -> bool:
            shares = [worker.partitions() for worker in workers]
            return all(shares) and sum(shares) == partitions

        wait_until(read, lambda: f"{len(workers)} workers read everything:\n{self.last_words()}", ASSIGNED_WITHIN_S)

    def replace(self, worker: WorkerProcess) -> None:
        """Start another worker in place of one that has ended."""
        self.start_worker(proxied=worker in self.proxied)

    @contextmanager
    def stopped_at(self, name: str, *, release: bool = False) -> Iterator[WorkerProcess]:
        """Give the proxied worker once a connection of it has stopped at the named moment.

        At the block's end that connection goes on or, without ``release``, all of the worker's are reset; then healing
        begins.
        """
        moment = moments.NAMED[name]()
        proxies = [proxy for proxy in (self.to_postgres, self.to_broker) if proxy is not None]
        (victim,) = (worker for worker in self.proxied if worker.running)
        if name in moments.AT_THE_START:
            assert victim.terminate() == 0
        for proxy in proxies:
            proxy.stop_at(moment)
        if name in moments.AT_THE_START:
            victim = self.start_worker(proxied=True)
        if not moment.reached.wait(MOMENT_COMES_WITHIN_S):
            pytest.fail(f"no worker came to a moment {name!r}:\n{self.last_words()}")
        self.assert_acknowledged_last()
        yield victim
        for proxy in proxies:
            if not release:
                proxy.reset()
            proxy.release(moment)
        self.heals()

    def assert_acknowledged_last(self) -> None:
        """Check that no group offset stands beyond the ledger: first the rows, then the acknowledgement."""
        acknowledged = self.deployment.group_offsets()
        ledger = self.deployment.ledger()
        early = {place: offset for place, offset in acknowledged.items() if offset > ledger.get(place, 0)}
        assert not early, f"acknowledged beyond the ledger: {early}, ledger {ledger}"

    @contextmanager
    def traffic(self, order: Order) -> Iterator[Path]:
        """Publish in the background; the block ends when all of it is acknowledged. Gives the producer's log."""
        self.deployment.hxi("publish", "/dev/null")  # makes the topics
        order = replace(order, seed=self.chance.getrandbits(32))
        log = self.directory / f"produced-{order.seed}.log"
        command = [sys.executable, "-m", "tests.faults.producing", str(log), order.as_argument()]
        output = self.directory / "producing.log"
        producing = spawn(command, output, env=self.deployment.environment, cwd=REPOSITORY)
        try:
            yield log
            producing.send_signal(signal.SIGTERM)
            assert producing.wait(300) == 0, output.read_text()
        finally:
            producing.kill()
            producing.wait()

    def run(self, wanted: Mapping[Named, int]) -> None:
        """Strike with one fault after another, in random order, until each has fired as often as is wanted."""
        left = Counter(wanted)
        while left := +left:
            (fault,) = self.chance.choices(list(left), list(left.values()))
            left[fault] -= self.strike(fault)

    def strike(self, fault: Named) -> int:
        """Let ``fault`` happen, wait until all published by its end is settled, and return how often it fired.

        Where it fired several times in a row, recovery is that of the last time.
        """
        self.staff()
        self._healing_since = self._recovered_at = None
        at, began = now(), time.monotonic()
        proofs = fault.fire(self)
        healing_since = self._healing_since or time.monotonic()
        self.recover(fault.name)
        assert self._recovered_at is not None
        lasted_s, recovery_s = round(healing_since - began, 3), round(self._recovered_at - healing_since, 3)
        for number, proof in enumerate(proofs, 1):
            after_all = recovery_s if number == len(proofs) else None
            self.log.add(Fault(self.name, fault.kind, fault.name, at, lasted_s, after_all, proof))
        return len(proofs)

    def heals(self) -> None:
        """Note that the disturbance is over: recovery counts from the last such time, else from the fault's end."""
        self._healing_since = time.monotonic()
        self._recovered_at = None

    def recover(self, what: str) -> None:
        """Wait until something published from now on is settled, and all that was published before.

        The first time since healing began is what recovery took; a fault may go on after it.
        """
        before = sum(self.deployment.ends().values())
        wait_until(lambda: sum(self.deployment.ends().values()) > before, "traffic goes on", RECOVERS_WITHIN_S)
        ends = {place: end for place, end in self.deployment.ends().items() if end > 0}

        def behind() -> dict[tuple[str, int], int]:
            ledger = self.deployment.ledger()
            return {place: end - ledger.get(place, 0) for place, end in ends.items() if ledger.get(place, 0) < end}

        def settled() -> bool:
            assert not self.deployment.deserters(), f"ended by themselves:\n{self.last_words()}"
            with suppress(psycopg.OperationalError):  # the fault may be with us
                return not behind()
            return False

        wait_until(
            settled, lambda: f"recovered from {what}, left are {behind()}:\n{self.last_words()}", RECOVERS_WITHIN_S
        )
        self._recovered_at = self._recovered_at or time.monotonic()

    def last_words(self) -> str:
        """Return what the last workers said, and what the database's sessions are about."""
        said = [f"--- {worker.log.name}\n{worker.said()[-1500:]}" for worker in self.deployment.workers[-6:]]
        with suppress(psycopg.OperationalError):
            said += map(str, self.deployment.query(_SESSIONS))
        return "\n".join(said)


_SESSIONS = """
    SELECT pid, application_name, state, wait_event_type, wait_event, now() - xact_start AS in_transaction,
        pg_blocking_pids(pid), left(query, 60)
    FROM pg_stat_activity WHERE datname = current_database()
"""
