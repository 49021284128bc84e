"""Two applications in one database: nobody ends or removes sessions of which the other has yet to read records."""

from collections.abc import AsyncIterator

import pytest

from pipeline.fold import FoldPolicy
from pipeline.sinks.postgres import PostgresSink
from pipeline.sinks.retention import NotRemoved, OldRows, RetentionPolicy
from schema.rows import Partition
from tests.builders import APP, EVENTS, OTHER_SESSION, SESSION, TOPICS, Owner, at, kept
from tests.locks import ask
from tests.roles import as_writer

OTHER = "the-other"
THEIRS = Partition("their-events", 0)
TIMEOUT_S = 60


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[PostgresSink]:
    """The sink of another application on the same database."""
    made = PostgresSink(as_writer(database_url), OTHER, FoldPolicy())
    yield made
    await made.close()


async def both_at_work(sink: PostgresSink, other: PostgresSink) -> None:
    """Let this application have read everything, and the other be behind: of its session records are still unread."""
    ours = await Owner.of(sink, EVENTS)
    await ours.write(kept(0, session_id=SESSION))
    await sink.mark_caught_up({EVENTS: ours.claim})
    theirs = await Owner.of(other, THEIRS)
    await theirs.write(kept(0, session_id=OTHER_SESSION), arrival_us=at(0))


async def test_sessions_of_an_application_that_lags_are_not_ended_by_one_that_does_not(
    sink: PostgresSink, other: PostgresSink, database_url: str
) -> None:
    await both_at_work(sink, other)
    assert await sink.end_quiet_sessions(TIMEOUT_S, TOPICS) == 0
    theirs = await Owner.of(other, THEIRS)
    await other.mark_caught_up({THEIRS: theirs.claim})
    assert await sink.end_quiet_sessions(TIMEOUT_S, TOPICS) == 2


async def test_a_partition_that_the_other_has_not_read_yet_is_waited_for(
    sink: PostgresSink, other: PostgresSink
) -> None:
    ours = await Owner.of(sink, EVENTS)
    await ours.write(kept(0))
    await sink.mark_caught_up({EVENTS: ours.claim})
    await Owner.of(other, THEIRS)
    assert await sink.end_quiet_sessions(TIMEOUT_S, TOPICS) == 0


@pytest.mark.parametrize(("minutes", "ended"), [(59, 0), (61, 2)])
async def test_an_application_whose_ledger_stands_for_an_hour_is_waited_for_no_more(
    sink: PostgresSink, other: PostgresSink, database_url: str, minutes: int, ended: int
) -> None:
    await both_at_work(sink, other)
    ask(
        database_url,
        "UPDATE hxi_state.ledger SET updated_at = now() AT TIME ZONE 'utc' - make_interval(mins => %s)"
        " WHERE app_id = %s",
        minutes,
        OTHER,
    )
    assert await sink.end_quiet_sessions(TIMEOUT_S, TOPICS) == ended


async def test_who_has_read_nothing_ends_nothing_of_others(sink: PostgresSink, other: PostgresSink) -> None:
    theirs = await Owner.of(other, THEIRS)
    await theirs.write(kept(0))
    await other.mark_caught_up({THEIRS: theirs.claim})
    assert await sink.end_quiet_sessions(TIMEOUT_S, TOPICS) == 0


async def test_retention_counts_back_from_where_the_slowest_application_is(
    sink: PostgresSink, other: PostgresSink, database_url: str
) -> None:
    await both_at_work(sink, other)
    old = OldRows(database_url, APP, TOPICS, RetentionPolicy(sessions_days=1))
    ask(database_url, "UPDATE sessions SET end_time = start_time")
    assert old.count()["sessions"] == 0
    behind = old.behind()
    assert behind is not None
    assert (behind.app_id, behind.partition) == (OTHER, THEIRS)
    ask(database_url, "DELETE FROM hxi_state.ledger WHERE app_id = %s", OTHER)
    assert old.count()["sessions"] == 2


async def test_retention_of_an_application_that_never_ran_removes_nothing_of_others(
    other: PostgresSink, database_url: str
) -> None:
    theirs = await Owner.of(other, THEIRS)
    await theirs.write(kept(0))
    await other.mark_caught_up({THEIRS: theirs.claim})
    with pytest.raises(NotRemoved, match=f"no worker of {APP} has read"):
        OldRows(database_url, APP, TOPICS, RetentionPolicy(sessions_days=1)).count()
