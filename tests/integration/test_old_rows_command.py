"""``hxi retention`` says what it removed, and why nothing."""

import pytest

from agents.commands.old_rows import remove_old_rows
from agents.commands.output import CommandFailed
from agents.settings import load_settings
from pipeline.moments import moment
from pipeline.sinks.postgres import PostgresSink
from tests.builders import APP, REPLAY, SESSION, at
from tests.locks import ask
from tests.retention import fill, let_pass, visit


def command(url: str, dry_run: bool, **days: str) -> None:
    """Run ``hxi retention``."""
    given = {f"HXI_RETENTION_{name}_DAYS": value for name, value in days.items()}
    remove_old_rows(load_settings({"HXI_DATABASE_URL": url, "HXI_APP_ID": APP} | given), dry_run)


async def test_the_command_says_what_it_removed(
    database_url: str, sink: PostgresSink, capsys: pytest.CaptureFixture[str]
) -> None:
    await fill(sink, visit(SESSION))
    let_pass(database_url, 3)
    for dry_run in (True, False):
        command(database_url, dry_run, EVENTS="2")
        assert (
            capsys.readouterr().out
            == f"table\trows\nevents\t{len(visit(SESSION))}\nlatency_metrics\t1\nerror_logs\t1\n"
        )
    ask(database_url, "UPDATE hxi_state.ledger SET caught_up_at = now() AT TIME ZONE 'utc'")
    command(database_url, False, EVENTS="2")
    assert capsys.readouterr() == ("", "nothing is old enough to be removed\n")


async def test_where_nothing_is_old_because_a_partition_is_behind_the_command_says_which_and_since_when(
    database_url: str, sink: PostgresSink, capsys: pytest.CaptureFixture[str]
) -> None:
    await fill(sink, visit(SESSION))
    ask(database_url, "UPDATE hxi_state.ledger SET caught_up_at = now() AT TIME ZONE 'utc'")
    ask(database_url, "UPDATE hxi_state.ledger SET caught_up_at = %s WHERE topic = %s", moment(at(3600)), REPLAY.topic)
    for dry_run in (True, False):
        command(database_url, dry_run, EVENTS="2")
        assert capsys.readouterr() == (
            "",
            "nothing is old enough to be removed, counted back from 2024-01-05 13:00 UTC:\n"
            f"since then {REPLAY.topic}[{REPLAY.number}] has not been read to its end; do workers run, and keep up?"
            " See hxi doctor\n",
        )


def test_the_command_without_a_policy_removes_nothing(database_url: str) -> None:
    with pytest.raises(CommandFailed, match="set HXI_RETENTION_…_DAYS"):
        command(database_url, False)


def test_the_command_says_that_the_database_is_away() -> None:
    with pytest.raises(CommandFailed, match=r"nothing was removed, the database .* failed"):
        command("postgresql://127.0.0.1:1/nowhere", False, SESSIONS="1")
