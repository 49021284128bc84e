"""What every sink promises of claims, progress, repeated work and refused rows."""

import itertools
from dataclasses import replace

import pytest

from pipeline.dedup import History
from pipeline.flush import Flush
from pipeline.simulation import Traffic, simulate
from pipeline.sinks.contract import Claim, Fenced, LedgerMoved, RowsRejected
from schema.events import API_CALL, ERROR
from schema.rows import ApiCall, JsError, Partition, Place
from tests.builders import (
    EVENTS,
    OTHER_SESSION,
    REPLAY,
    SESSION,
    Owner,
    at,
    decoded,
    facts,
    kept,
    kept_chunk,
    numbered,
    user,
)
from tests.contract.conftest import InMemory, InPostgres, Store

TABLES = ("users", "sessions", "events", "latency_metrics", "error_logs", "session_replay_chunks")
OTHER_PARTITION = Partition("ui-events", 1)


async def test_each_claim_raises_the_epoch_of_its_partitions_alone(store: Store) -> None:
    assert await store.sink.claim([EVENTS, REPLAY]) == {EVENTS: Claim(1, 0), REPLAY: Claim(1, 0)}
    assert await store.sink.claim([REPLAY]) == {REPLAY: Claim(2, 0)}
    assert await store.sink.claim([EVENTS, REPLAY]) == {EVENTS: Claim(2, 0), REPLAY: Claim(3, 0)}


async def test_a_claim_begins_where_the_flushes_before_it_ended(store: Store) -> None:
    owner = await Owner.of(store.sink)
    await owner.write(kept(0), kept(1), kept(2))
    assert await store.sink.claim([EVENTS]) == {EVENTS: Claim(2, 3)}


async def test_where_the_ledger_stands_can_be_asked_of_all_partitions_and_fences_nobody(store: Store) -> None:
    owner = await Owner.of(store.sink)
    await owner.write(kept(0), kept(1))
    assert await store.sink.offsets([EVENTS, OTHER_PARTITION]) == {EVENTS: 2, OTHER_PARTITION: 0}
    await owner.write(kept(2))
    assert await store.sink.offsets([EVENTS]) == {EVENTS: 3}


async def test_a_flush_writes_the_rows_of_all_its_tables(store: Store) -> None:
    owner = await Owner.of(store.sink)
    call = kept(1, API_CALL, screen_name="/buy", api_call=ApiCall("/api/buy", 250, 503))
    error = kept(2, ERROR, error=JsError("it broke", None), metadata=b'{"a": [1, "x"]}')
    written = await owner.write(kept(0, user=user()), call, error, kept_chunk(0, 3))
    results = {"rage_click_events": 0, "heatmap_points": 1, "journey_steps": 0, "latency_rollups": 1}
    assert written.rows_by_table == results | dict(zip(TABLES, (1, 1, 3, 1, 1, 1), strict=True))
    assert {name: len(store.table(name)) for name in TABLES} == dict(zip(TABLES, (1, 1, 3, 1, 1, 1), strict=True))
    assert store.table("latency_metrics")[0]["api_endpoint"] == "/api/buy"
    assert store.table("error_logs")[0]["error_message"] == "it broke"
    assert [row["metadata"] for row in store.table("events") if row["metadata"]] == [{"a": [1, "x"]}]


async def test_a_fenced_writer_writes_nothing(store: Store) -> None:
    slow = await Owner.of(store.sink)
    quick = await Owner.of(store.sink)
    with pytest.raises(Fenced):
        await slow.write(kept(0, user=user()), kept_chunk())
    assert [store.table(name) for name in TABLES] == [[]] * len(TABLES)
    await quick.write(kept(1))
    assert len(store.table("events")) == 1


async def test_a_writer_fenced_on_one_partition_writes_nothing_to_the_other(store: Store) -> None:
    first, second = await Owner.of(store.sink), await Owner.of(store.sink, OTHER_PARTITION)
    await store.sink.claim([OTHER_PARTITION])
    with pytest.raises(Fenced):
        await store.sink.write(Flush(first.flush().spans | second.flush().spans, [kept(0)]))
    assert store.table("events") == []
    assert (await store.sink.claim([EVENTS]))[EVENTS].next_offset == 0


async def test_nobody_writes_a_partition_that_was_never_claimed(store: Store) -> None:
    with pytest.raises(Fenced):
        await Owner(store.sink, EVENTS, Claim(1, 0)).write(kept(0))


async def test_a_flush_whose_commit_was_not_heard_of_is_not_written_again(store: Store) -> None:
    owner = await Owner.of(store.sink)
    flush = owner.flush(kept(0, user=user()), kept_chunk())
    first, second = await store.sink.write(flush), await store.sink.write(flush)
    assert (first.resolved, second.resolved) == (False, True)
    assert second.rows_by_table == {}
    assert [len(store.table(name)) for name in TABLES] == [1, 1, 1, 0, 0, 1]


@pytest.mark.parametrize("begin", [1, 3], ids=["behind the ledger", "beyond it"])
async def test_a_flush_that_does_not_begin_where_the_ledger_stands_is_refused(store: Store, begin: int) -> None:
    owner = await Owner.of(store.sink)
    await owner.write(kept(0), kept(1))
    owner.claim = replace(owner.claim, next_offset=begin)
    with pytest.raises(LedgerMoved):
        await owner.write(kept(2), kept(3), kept(4))
    assert len(store.table("events")) == 2


async def test_offsets_move_when_a_flush_has_nothing_to_write(store: Store) -> None:
    owner = await Owner.of(store.sink)
    assert sum((await owner.write()).rows_by_table.values()) == 0
    assert (await store.sink.claim([EVENTS]))[EVENTS].next_offset == 1


async def test_the_first_of_repeated_chunks_is_kept_within_a_flush_and_across_flushes(store: Store) -> None:
    owner = await Owner.of(store.sink, REPLAY)
    within = [kept_chunk(7, offset=9, chunk_data=b'"second"'), kept_chunk(7, offset=8, chunk_data=b'"first"')]
    assert (await owner.write(*within, kept_chunk(8))).repeated_chunks == 1
    later = await owner.write(kept_chunk(7, offset=20), kept_chunk(7, session_id=OTHER_SESSION))
    assert (later.repeated_chunks, later.rows_by_table["session_replay_chunks"]) == (1, 1)
    stored = {
        (row["session_id"], row["chunk_index"]): row["chunk_data"] for row in store.table("session_replay_chunks")
    }
    assert stored == {(SESSION, 7): "first", (SESSION, 8): [], (OTHER_SESSION, 7): []}


async def test_histories_hold_the_ids_within_the_bound_of_a_sessions_newest_event(store: Store) -> None:
    # lateness 60 s:   -60.000001 | -60 .......... 0 newest
    owner = await Owner.of(store.sink)
    ids = {seconds: numbered(n) for n, seconds in enumerate([-60.000001, -60, -1, 0])}
    await owner.write(kept(-2), *(kept(seconds, event_uuid=key) for seconds, key in ids.items()))
    await owner.write(kept_chunk(0, 99), kept_chunk(0, 99, session_id=OTHER_SESSION))
    found = await store.sink.histories([SESSION, OTHER_SESSION, numbered(9)], 60)
    assert {key: replace(history, ids=tuple(sorted(history.ids))) for key, history in found.items()} == {
        SESSION: History(at(0), at(0), tuple((at(seconds), ids[seconds]) for seconds in (-60, -1, 0)), 5, 5)
    }


async def test_histories_go_by_the_clients_clock_where_the_corrected_one_differs(store: Store) -> None:
    owner = await Owner.of(store.sink)
    slow = kept(0, event_uuid=numbered(1), client_us=at(-10_000))
    old = kept(-50, event_uuid=numbered(2), client_us=at(-10_100))
    await owner.write(slow, old)
    expected = History(at(0), at(-10_000), ((at(-10_000), numbered(1)),), 2, 2)
    assert await store.sink.histories([SESSION], 60) == {SESSION: expected}


async def test_histories_name_the_newest_event_and_the_tally_of_a_session_without_ids(store: Store) -> None:
    owner = await Owner.of(store.sink)
    await owner.write(kept(3), kept(2))
    await owner.write(kept(1, "mouse_move"), kept_chunk(0))
    assert await store.sink.histories([SESSION], 60) == {SESSION: History(at(3), at(3), (), events=3, actions=2)}


@pytest.mark.parametrize(("device_id", "has_device"), [("d", True), ("", False)])
async def test_histories_say_whether_a_session_has_named_its_device(
    store: Store, device_id: str, has_device: bool
) -> None:
    owner = await Owner.of(store.sink)
    await owner.write(kept(3), kept(2, facts=facts(device_id=device_id)), kept(1, facts=facts(app_version="1")))
    assert (await store.sink.histories([SESSION], 60))[SESSION].has_device == has_device


async def test_known_are_the_events_in_the_table_by_session_and_id(store: Store) -> None:
    await (await Owner.of(store.sink)).write(kept(0, event_uuid=numbered(1)), kept(-9000, event_uuid=numbered(2)))
    asked = set(itertools.product([SESSION, OTHER_SESSION], map(numbered, (1, 2, 3))))
    assert await store.sink.known(asked) == {(SESSION, numbered(1)), (SESSION, numbered(2))}
    assert await store.sink.known(set()) == set()


async def test_known_chunks_are_those_in_the_table_by_session_and_index(store: Store) -> None:
    await (await Owner.of(store.sink, REPLAY)).write(kept_chunk(1), kept_chunk(2, session_id=OTHER_SESSION))
    asked = set(itertools.product([SESSION, OTHER_SESSION], (0, 1, 2)))
    assert await store.sink.known_chunks(asked) == {(SESSION, 1), (OTHER_SESSION, 2)}
    assert await store.sink.known_chunks(set()) == set()


async def test_replay_tallies_are_of_the_chunks_written_of_each_session(store: Store) -> None:
    owner = await Owner.of(store.sink, REPLAY)
    await owner.write(kept_chunk(0, chunk_data=b"[1]"), kept_chunk(0, session_id=OTHER_SESSION))
    await owner.write(kept_chunk(1, chunk_data=b'"text"'))
    await (await Owner.of(store.sink)).write(kept(1), kept(2, session_id=numbered(8)))
    assert await store.sink.replay_tallies([SESSION, OTHER_SESSION, numbered(8), numbered(9)]) == {
        SESSION: (2, 9),
        OTHER_SESSION: (1, 2),
        numbered(8): (0, 0),
    }


@pytest.mark.parametrize("bad", [set(), {0}, {6}, {2, 3}, set(range(7))], ids=str)
async def test_rejected_finds_exactly_the_places_that_cannot_be_stored(store: Store, bad: set[int]) -> None:
    owner = await Owner.of(store.sink)
    events = [kept(n, offset=n, metadata=b"{" if n in bad else b"{}", user=user()) for n in range(6)]
    flush = owner.flush(*events, kept_chunk(offset=6, chunk_data=b"{" if 6 in bad else b"1"))
    found = await store.sink.rejected(flush)
    assert found.keys() == {Place(REPLAY if n == 6 else EVENTS, n) for n in bad}
    assert all("json" in reason for reason in found.values())
    assert [store.table(name) for name in TABLES] == [[]] * len(TABLES)


@pytest.mark.parametrize(
    "bad",
    [kept(1, metadata=b"no JSON"), kept(1, page_url="/\0"), kept(1, user=user(email="\0"))],
    ids=["json", "NUL", "fact"],
)
async def test_nothing_of_a_flush_is_written_when_one_row_is_refused(store: Store, bad: object) -> None:
    owner = await Owner.of(store.sink)
    with pytest.raises(RowsRejected):
        await owner.write(kept(0, user=user()), bad, kept_chunk())  # type: ignore[arg-type]
    assert [store.table(name) for name in TABLES] == [[]] * len(TABLES)
    assert (await store.sink.claim([EVENTS]))[EVENTS].next_offset == 0


async def test_the_same_traffic_makes_the_same_tables_in_both(in_memory: InMemory, in_postgres: InPostgres) -> None:
    traffic = Traffic(sessions_per_minute=30, replay=True, batch_size=3)
    deliveries = list(simulate(traffic, events=800, seed=5, start_ms=at(0) // 1000))
    items = [item for offset, delivery in enumerate(deliveries) for item in decoded(delivery, offset)]
    owners = [await Owner.of(in_memory.sink), await Owner.of(in_postgres.sink)]
    for begin in range(0, len(items), 100):
        both = [await owner.write(*items[begin : begin + 100]) for owner in owners]
        assert both[0] == both[1]
    for name in TABLES:
        assert in_memory.table(name) == in_postgres.table(name) != []
