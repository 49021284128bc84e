"""A table's rows may go before their session; what results there are then stay as they are."""

from collections import Counter

import pytest

from pipeline.sinks.postgres import PostgresSink
from pipeline.sinks.retention import OldRows, RetentionPolicy
from schema.events import PAGE_VIEW
from tests.builders import APP, DAY_S, OTHER_SESSION, REPLAY, SESSION, TOPICS, USER, at, kept, numbered, user
from tests.locks import ask
from tests.retention import OF_A_TABLE, RAW, fill, latecomers, let_pass, remove, results_of, rows_of, visit


async def test_of_a_session_without_its_events_all_results_stay(database_url: str, sink: PostgresSink) -> None:
    await fill(sink, visit(SESSION))
    let_pass(database_url, 2)
    before, results = rows_of(database_url, SESSION), results_of(database_url, SESSION)

    removed = remove(database_url, RetentionPolicy(events_days=1))

    assert removed == {table: before[table] for table in RAW}
    assert rows_of(database_url, SESSION) == {table: rows for table, rows in before.items() if table not in RAW}
    assert results_of(database_url, SESSION) == results
    assert ask(database_url, "SELECT DISTINCT event_id FROM emotion_predictions") == [(None,)]
    assert remove(database_url, RetentionPolicy(events_days=1)) == {}


# day 0: the visit    day 2: one table's rows go    then: late clicks, view, error come    day 5: their rows go too
@pytest.mark.parametrize(("days", "table"), list(OF_A_TABLE.items()))
async def test_rows_of_one_table_go_alone_and_what_comes_late_changes_no_result(
    database_url: str, sink: PostgresSink, days: str, table: str
) -> None:
    policy = RetentionPolicy(**{days: 1})
    owner = await fill(sink, visit(SESSION))
    let_pass(database_url, 2)
    before, results = rows_of(database_url, SESSION), results_of(database_url, SESSION)

    assert remove(database_url, policy) == {table: before.pop(table)}
    assert rows_of(database_url, SESSION) == before
    results |= {table: []} if table in results else {}
    assert results_of(database_url, SESSION) == results
    seen = "SELECT removed, is_final FROM sessions"
    assert ask(database_url, seen) == [([table], True)]
    assert remove(database_url, policy) == {}

    await owner.write(*latecomers(arrival_us=at(2 * DAY_S)))
    await sink.mark_caught_up({REPLAY: owner.claim})
    await sink.end_quiet_sessions(1, TOPICS)
    await sink.judge(10)

    assert results_of(database_url, SESSION) == results
    assert ask(database_url, seen) == [([table], True)], "who looks still sees it"
    let_pass(database_url, 4)
    assert remove(database_url, policy) == ({table: 1} if table in RAW else {})
    assert remove(database_url, RetentionPolicy(sessions_days=1))["sessions"] == 1


async def test_latency_metrics_and_errors_go_with_events_unless_they_have_days_of_their_own(
    database_url: str, sink: PostgresSink
) -> None:
    await fill(sink, visit(SESSION))
    let_pass(database_url, 2)
    assert remove(database_url, RetentionPolicy(events_days=1, error_logs_days=3)).keys() == {*RAW} - {"error_logs"}
    let_pass(database_url, 4)
    assert remove(database_url, RetentionPolicy(events_days=1, error_logs_days=3)) == {"error_logs": 1}
    assert ask(database_url, "SELECT removed FROM sessions") == [(sorted(RAW),)]


async def test_replays_go_alone(database_url: str, sink: PostgresSink) -> None:
    owner = await fill(sink, visit(SESSION))
    let_pass(database_url, 2)
    assert remove(database_url, RetentionPolicy(replays_days=1)) == {"session_replay_chunks": 1}
    await owner.write(kept(30, PAGE_VIEW, screen_name="/new"))
    await sink.judge(10)
    assert ask(database_url, "SELECT count(*) FROM journey_steps") == [(4,)], "events are there: results go on"
    assert ask(database_url, "SELECT removed, is_final FROM sessions") == [(["session_replay_chunks"], False)]


# day 0: the visit    day 2: its events go    then: a late view, click and error come    day 5: they go too
async def test_what_comes_late_is_stored_and_changes_no_result_of_a_session_without_its_events(
    database_url: str, sink: PostgresSink
) -> None:
    owner = await fill(sink, visit(SESSION))
    let_pass(database_url, 2)
    remove(database_url, RetentionPolicy(events_days=1))
    results = results_of(database_url, SESSION)

    await owner.write(*latecomers(arrival_us=at(2 * DAY_S), user=user()))
    await sink.mark_caught_up({REPLAY: owner.claim})
    await sink.end_quiet_sessions(1, TOPICS)
    await sink.judge(10)

    assert results_of(database_url, SESSION) == results
    assert {table: rows_of(database_url, SESSION)[table] for table in RAW} == dict(zip(RAW, (6, 1, 1), strict=True))
    assert ask(database_url, "SELECT user_id, end_time IS NOT NULL FROM sessions") == [(USER, True)]
    assert ask(database_url, "SELECT sum(calls)::int FROM latency_rollups") == [(2,)]
    assert ask(database_url, "SELECT count(*) FROM hxi_state.unjudged") == [(0,)]
    let_pass(database_url, 4)
    assert remove(database_url, RetentionPolicy(events_days=1)) == dict(zip(RAW, (6, 1, 1), strict=True))
    assert results_of(database_url, SESSION) == results


async def test_a_run_without_removing_counts_what_would_go(database_url: str, sink: PostgresSink) -> None:
    await fill(sink, visit(SESSION, user=user()), visit(OTHER_SESSION, arrival_us=at(DAY_S), user=user(numbered(9))))
    let_pass(database_url, 1.5)
    for policy in (
        *(RetentionPolicy(**{days: 1}) for days in OF_A_TABLE),
        RetentionPolicy(1),
        RetentionPolicy(None, 1),
        RetentionPolicy(None, None, 1, 1),
    ):
        old = OldRows(database_url, APP, TOPICS, policy)
        counted = +Counter(old.count())
        assert counted == +Counter(old.count()), "counting removes nothing"
        assert counted == remove(database_url, policy)
