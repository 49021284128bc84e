"""Faults of the database server and of what workers have going on with it."""

import time
from contextlib import ExitStack

import psycopg

from tests.deployment import WorkerProcess, wait_until
from tests.faults.campaign import Campaign

LOCKED_S = 30.0
NOTICED_WITHIN_S = 60.0
LONGEST_AWAY_S = 5.0

HELD_S = 0.5
REFUSED = "too many clients"
NO_SPACE = "No space left"

OURS = "application_name LIKE %s AND datname = current_database()"


def immediate_shutdown(campaign: Campaign) -> list[str]:
    """Stop the server as a crash would, and start it again a little later."""
    before = campaign.postgres.pid
    campaign.postgres.kill()
    _pass_time(campaign.chance.uniform(0.0, LONGEST_AWAY_S))
    campaign.postgres.restart()
    return [f"server process {before} was followed by {campaign.postgres.pid}"]


def writer_terminated(campaign: Campaign) -> list[str]:
    """End a writer's session from the server's side while it copies."""
    with campaign.stopped_at("during COPY", release=True), campaign.superuser() as superuser:
        ended = superuser.execute(
            "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE {OURS} AND query LIKE 'COPY events%%' AND wait_event = 'ClientRead'",
            (f"{campaign.app_id} writer",),
        ).fetchall()
        assert ended, "nobody copies"
        assert all(was_ended for _, was_ended in ended), ended
    return [f"session {ended[0][0]} was ended while it copied"]


def ledger_locked(campaign: Campaign) -> list[str]:
    """Hold the ledger's rows, as a forgotten transaction would."""
    waited: set[int] = set()
    with campaign.superuser() as holder, holder.transaction():
        holder.execute(
            "SELECT 1 FROM hxi_state.ledger WHERE app_id = %s ORDER BY topic, partition FOR UPDATE", (campaign.app_id,)
        )
        until = time.monotonic() + LOCKED_S
        while time.monotonic() < until:
            blocked = "SELECT pid FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))"
            waited |= {pid for (pid,) in holder.execute(blocked)}
            _pass_time(HELD_S)
    assert waited
    return [f"{len(waited)} sessions waited for the ledger's rows, held for {LOCKED_S:.0f} s"]


def cut_after_commit(campaign: Campaign) -> list[str]:
    """Cut the connection when the server has committed and the worker has not heard of it."""
    with campaign.stopped_at("between COMMIT and its answer") as worker:
        resolved = worker.metric("hxi_unknown_commits_resolved_total")
    wait_until(
        lambda: worker.metric("hxi_unknown_commits_resolved_total") > resolved,
        lambda: f"{worker.name} resolved the unknown commit:\n{campaign.last_words()}",
        NOTICED_WITHIN_S,
    )
    return [f"{worker.name} found that its commit had succeeded"]


def cut_before_commit(campaign: Campaign) -> list[str]:
    """Cut the connection before the commit reaches the server."""
    with campaign.stopped_at("before COMMIT") as worker:
        failures = _failures(worker)
    wait_until(lambda: _failures(worker) > failures, f"{worker.name} has noticed", NOTICED_WITHIN_S)
    return [f"{worker.name} had to write again"]


def connections_exhausted(campaign: Campaign) -> list[str]:
    """Take all connections that the server has, also those of the workers, until one of them says so."""
    before = _said(campaign, REFUSED)
    with ExitStack() as held:
        superuser = held.enter_context(campaign.superuser())
        end_ours = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {OURS}"

        def exhausted() -> bool:
            superuser.execute(end_ours, (f"{campaign.app_id} %",))
            while _take_connection(campaign, held):
                pass
            return _said(campaign, REFUSED) > before

        wait_until(exhausted, f"a worker has been told {REFUSED!r}", NOTICED_WITHIN_S)
    return [f"the server told a worker {REFUSED!r}"]


def disk_filled(campaign: Campaign) -> list[str]:
    """Fill the server's disk until a worker has no space or the server ends over it, then free it.

    A server that ended is started again.
    """
    disk = campaign.disk
    assert disk is not None
    before = _said(campaign, NO_SPACE)
    filled = disk.fill()

    def noticed() -> bool:
        disk.fill()  # what was freed meanwhile
        return _said(campaign, NO_SPACE) > before or _has_ended(campaign)

    wait_until(noticed, lambda: f"somebody has no space:\n{campaign.last_words()}", NOTICED_WITHIN_S)
    told = _said(campaign, NO_SPACE) - before
    disk.free()
    survived = campaign.database_answers()
    if not survived:
        campaign.postgres.restart()
    outcome = "went on" if survived else "had to be restarted"
    return [f"{filled >> 20} MB filled the disk, workers said {told} times {NO_SPACE!r}, and the server {outcome}"]


def _has_ended(campaign: Campaign) -> bool:
    """Whether nobody listens on the server's port; a server that recovers listens, and says so."""
    try:
        campaign.superuser().close()
    except psycopg.OperationalError as error:
        return "refused" in str(error)
    return False


def _take_connection(campaign: Campaign, held: ExitStack) -> bool:
    try:
        held.enter_context(campaign.superuser())
    except psycopg.OperationalError as error:
        if REFUSED not in str(error):
            raise
        return False
    return True


def _failures(worker: WorkerProcess) -> float:
    return worker.metric("hxi_retries_total")


def _said(campaign: Campaign, text: str) -> int:
    return sum(worker.said().count(text) for worker in campaign.workers)


def _pass_time(seconds: float) -> None:
    """Let ``seconds`` go by: the length of a fault, not a wait for something."""
    time.sleep(seconds)
