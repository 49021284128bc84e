"""What is older than its policy goes, in the end whole sessions and people; nothing that may be alive does."""

from typing import Any
from uuid import uuid5

import pytest

from pipeline.sinks.postgres import PostgresSink
from pipeline.sinks.retention import NotRemoved, OldRows, RetentionPolicy
from pipeline.tidy import USER_NAMESPACE
from schema.events import PAGE_VIEW, SESSION_END
from tests.builders import APP, DAY_S, OTHER_SESSION, SESSION, TOPICS, Owner, at, kept, numbered, user
from tests.deployment import TABLES
from tests.locks import ask
from tests.retention import ALL_DAYS, RAW, RESULTS, fill, let_pass, remove, rows_of, visit
from tests.roles import as_writer


async def test_an_old_session_goes_from_every_table_and_its_person_with_the_last(
    database_url: str, sink: PostgresSink
) -> None:
    alice, bob = (user(uuid5(USER_NAMESPACE, name), external_user_id=name) for name in ("alice", "bob"))
    newer = {"arrival_us": at(DAY_S)}
    await fill(sink, visit(SESSION, user=alice), visit(numbered(2), user=bob), visit(OTHER_SESSION, user=bob, **newer))
    let_pass(database_url, 1.5)
    before = rows_of(database_url, OTHER_SESSION)
    assert before.keys() == rows_of(database_url, SESSION).keys() == {*TABLES} - {"users"}, "every table is tried"

    removed = remove(database_url, RetentionPolicy(sessions_days=1))

    assert [rows_of(database_url, key) for key in (SESSION, numbered(2), OTHER_SESSION)] == [{}, {}, before]
    assert ask(database_url, "SELECT external_user_id FROM users") == [("bob",)]
    assert removed == {table: 2 * before.get(table, 0) or 1 for table in TABLES}
    assert ask(database_url, "SELECT sum(calls)::int FROM latency_rollups") == [(3,)], "sums stay"


async def test_a_person_stays_while_somebody_elses_session_names_them(database_url: str, sink: PostgresSink) -> None:
    alice, bob = (user(uuid5(USER_NAMESPACE, name), external_user_id=name) for name in ("alice", "bob"))
    shared: dict[str, Any] = {"session_id": OTHER_SESSION, "arrival_us": at(DAY_S)}
    await fill(
        sink, visit(SESSION, user=alice), [kept(0, user=alice, **shared), kept(9, SESSION_END, user=bob, **shared)]
    )
    let_pass(database_url, 1.5)
    remove(database_url)
    assert not rows_of(database_url, SESSION)
    named = ask(
        database_url, "SELECT external_user_id FROM hxi_state.session_users JOIN users USING (user_id) ORDER BY 1"
    )
    assert named == [("alice",), ("bob",)]
    let_pass(database_url, 2.5)
    remove(database_url)
    assert not ask(database_url, "SELECT FROM users")
    assert not ask(database_url, "SELECT FROM hxi_state.session_users")


async def test_kinds_go_one_after_the_other_and_then_the_session(database_url: str, sink: PostgresSink) -> None:
    await fill(sink, visit(SESSION))
    policy = RetentionPolicy(replays_days=1, events_days=2, sessions_days=3, rollups_days=4)
    went = []
    for days in (1, 2, 3, 4, 5):
        let_pass(database_url, days - 0.5)
        went.append(set(remove(database_url, policy)))
    assert went == [
        set(),
        {"session_replay_chunks"},
        set(RAW),
        {"sessions", *RESULTS},
        {"latency_rollups"},
    ]


async def test_what_comes_late_of_a_session_that_went_begins_it_anew(database_url: str, sink: PostgresSink) -> None:
    owner = await fill(sink, visit(SESSION))
    let_pass(database_url, 2)
    remove(database_url)
    await owner.write(kept(62.5, PAGE_VIEW, screen_name="/new"), kept(81, SESSION_END))
    await sink.judge(10)
    assert ask(database_url, "SELECT step_number, screen_name FROM journey_steps") == [(1, "/new")]
    assert ask(database_url, "SELECT score FROM experience_scores") == [(100,)]
    let_pass(database_url, 2)
    assert remove(database_url)["sessions"] == 1


async def test_nothing_goes_of_a_session_that_may_be_alive(database_url: str, sink: PostgresSink) -> None:
    owner = await fill(sink, visit(SESSION))  # has ended
    await owner.write(*visit(OTHER_SESSION)[:-1])
    await sink.judge(10)  # has not ended
    await owner.write(*visit(numbered(3)))  # is not judged
    await owner.write(*visit(numbered(4), arrival_us=at(DAY_S)))
    ask(
        database_url, "INSERT INTO sessions (session_id, end_time) VALUES (%s, '2000-01-01')", numbered(5)
    )  # is others'
    let_pass(database_url, 1.9)  # the fourth came within a day
    ask(database_url, "DELETE FROM hxi_state.unjudged WHERE session_id = %s", numbered(4))
    assert remove(database_url)["sessions"] == 1
    assert set(ask(database_url, "SELECT session_id FROM sessions")) == {
        (key,) for key in (OTHER_SESSION, numbered(3), numbered(4), numbered(5))
    }


@pytest.mark.parametrize("days", [0.9, 1.1])
async def test_days_are_counted_back_from_what_workers_have_read(
    database_url: str, sink: PostgresSink, days: float
) -> None:
    await fill(sink, visit(SESSION))
    let_pass(database_url, days)
    assert bool(remove(database_url)) == (days > 1)


async def test_while_a_partition_was_never_read_to_its_end_nothing_is_old(
    database_url: str, sink: PostgresSink
) -> None:
    await fill(sink, visit(SESSION))
    let_pass(database_url, 2)
    await Owner.of(sink)
    with pytest.raises(NotRemoved, match=r"have not read every partition to its end yet: .*\[\d\] never was"):
        remove(database_url)
    assert rows_of(database_url, SESSION)


async def test_where_nobody_has_read_anything_under_this_name_nothing_is_old(
    database_url: str, sink: PostgresSink
) -> None:
    await fill(sink, visit(SESSION))
    let_pass(database_url, 2)
    for app_id, topics in (("misspelt", TOPICS), (APP, ("misspelt",))):
        with pytest.raises(NotRemoved, match=f"no worker of {app_id} has read .*{topics[-1]} yet"):
            list(OldRows(database_url, app_id, topics, ALL_DAYS).remove())
    assert rows_of(database_url, SESSION)


async def test_workers_may_not_remove(database_url: str, sink: PostgresSink) -> None:
    await fill(sink, visit(SESSION))
    let_pass(database_url, 2)
    with pytest.raises(NotRemoved, match="only members of hxi_owner"):
        remove(as_writer(database_url), RetentionPolicy(sessions_days=1, rollups_days=1))
