"""``hxi retention`` says what it removed, and why nothing."""

import pytest

from agents.commands.old_rows import remove_old_rows
from agents.commands.output import CommandFailed
from agents.settings import load_settings
from pipeline.moments import moment
from pipeline.sinks.postgres import PostgresSink
from tests.builders import APP, REPLAY, SESSION, at
from tests.locks import ask
from tests.retention import fill, visit


def command(url: str, dry_run: bool, **days: str) -> None:
    """Run ``hxi retention``."""
    given = {f"HXI_RETENTION_{name}_DAYS": value for name, value in days.items()}
    remove_old_rows(load_settings({"HXI_DATABASE_URL": url, "HXI_APP_ID": APP} | given), dry_run)


async def test_the_command_says_what_it_removed(
    database_url: str, sink: PostgresSink, capsys: pytest.CaptureFixture[str]
) -> None:
    await fill(sink, visit(SESSION))
    ask(database_url, "UPDATE hxi_state.ledger SET caught_up_at = now() AT TIME ZONE 'utc'")
    for dry_run in (True, False):
        command(database_url, dry_run, EVENTS="2")
        assert (
            capsys.readouterr().out
            == f"table\trows\nevents\t{len(visit(SESSION))}\nlatency_metrics\t1\nerror_logs\t1\n"
        )
    command(database_url, False, EVENTS="2")
    assert capsys.readouterr() == ("", "nothing is old enough to be removed\n")


async def behind_for(database_url: str, sink: PostgresSink, hours: float) -> str:
    """Let the replays not have been read for so long; return since when, as the command says it."""
    await fill(sink, visit(SESSION))
    ask(database_url, "UPDATE hxi_state.ledger SET caught_up_at = now() AT TIME ZONE 'utc'")
    ((since,),) = ask(
        database_url,
        "UPDATE hxi_state.ledger SET caught_up_at = now() AT TIME ZONE 'utc' - make_interval(mins => %s)"
        " WHERE topic = %s RETURNING to_char(caught_up_at, 'YYYY-MM-DD HH24:MI')",
        round(hours * 60),
        REPLAY.topic,
    )
    return (
        f"days are counted back from {since} UTC: since then {REPLAY.topic}[{REPLAY.number}] has not been read to its"
        " end; do workers run, and keep up? See hxi doctor"
    )


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_partition_that_is_behind_is_named_and_since_when(
    database_url: str, sink: PostgresSink, capsys: pytest.CaptureFixture[str], dry_run: bool
) -> None:
    behind = await behind_for(database_url, sink, 23.9)
    command(database_url, dry_run, EVENTS="2")
    assert capsys.readouterr().err == f"{behind}\n"


@pytest.mark.parametrize("dry_run", [True, False])
async def test_the_command_fails_where_nothing_has_become_old_for_more_than_a_day(
    database_url: str, sink: PostgresSink, capsys: pytest.CaptureFixture[str], dry_run: bool
) -> None:
    behind = await behind_for(database_url, sink, 24.1)
    with pytest.raises(CommandFailed) as failure:
        command(database_url, dry_run, EVENTS="2")
    assert str(failure.value) == f"what has become old since is not removed, as {behind}"
    assert capsys.readouterr().out.startswith("table\trows\nevents\t"), "what is old all the same goes"


async def test_another_application_that_holds_back_what_is_old_is_named_with_how_to_be_rid_of_it(
    database_url: str, sink: PostgresSink
) -> None:
    await fill(sink, visit(SESSION))
    ask(database_url, "UPDATE hxi_state.ledger SET caught_up_at = now() AT TIME ZONE 'utc'")
    ask(
        database_url,
        "INSERT INTO hxi_state.ledger (app_id, topic, partition, caught_up_at) VALUES ('retired', 'of-old', 3, %s)",
        moment(at(0)),
    )
    with pytest.raises(CommandFailed, match=r"of-old\[3\] .* by retired, another .* WHERE app_id = 'retired'$"):
        command(database_url, False, EVENTS="2")


def test_the_command_without_a_policy_removes_nothing(database_url: str) -> None:
    with pytest.raises(CommandFailed, match="set HXI_RETENTION_…_DAYS"):
        command(database_url, False)


def test_the_command_says_that_the_database_is_away() -> None:
    with pytest.raises(CommandFailed, match=r"nothing was removed, the database .* failed"):
        command("postgresql://127.0.0.1:1/nowhere", False, SESSIONS="1")
