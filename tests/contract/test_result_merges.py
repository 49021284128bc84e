"""What every sink makes of results, flush after flush: rows grow, split, join and go as the events say."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, permutations
from typing import Any, TypeVar

import psycopg
import pytest
from msgspec.structs import replace
from psycopg.rows import dict_row

from pipeline.flush import Flush
from pipeline.limits import Limits
from pipeline.moments import moment
from pipeline.simulation import Traffic, simulate
from pipeline.sinks.contract import Fenced, RowsRejected
from pipeline.sinks.postgres import PostgresSink
from schema.events import API_CALL, MOUSE_MOVE, PAGE_VIEW, SCREEN_VIEW, SCROLL
from schema.rows import ApiCall, KeptEvent, Partition, Place
from tests import reference
from tests.builders import EVENTS, OTHER_SESSION, SESSION, Owner, at, decoded, kept, numbered
from tests.contract.conftest import InPostgres, Store
from tests.results import Results, expected_results, seen

OTHER_PARTITION = Partition("ui-events", 1)
NOTHING = Results(Counter(), Counter(), Counter(), {})
PLACE: dict[str, Any] = {"screen_name": "/cart", "element_id": "buy", "x": 5, "y": 5}
FAR = 500
"""Pixels from all other clicks: further than any radius."""

Row = dict[str, Any]
T = TypeVar("T")


def flat(parts: Iterable[Iterable[T]]) -> Iterator[T]:
    return chain.from_iterable(parts)


def click(seconds: float, **fields: Any) -> KeptEvent:
    """Return a click on one spot of a cart."""
    return kept(seconds, **(PLACE | fields))


def clicks(*seconds: float) -> list[KeptEvent]:
    return [click(one) for one in seconds]


def view(seconds: float, screen: str, kind: str = PAGE_VIEW, **fields: Any) -> KeptEvent:
    return kept(seconds, kind, screen_name=screen, **fields)


def call(seconds: float, latency_ms: int, status: int = 200, endpoint: str = "/users/7", **fields: Any) -> KeptEvent:
    return kept(seconds, API_CALL, api_call=ApiCall(endpoint, latency_ms, status), **fields)


async def written(store: Store, *flushes: Sequence[KeptEvent]) -> Owner:
    """Write ``flushes`` one after another."""
    owner = await Owner.of(store.sink)
    for events in flushes:
        await owner.write(*events)
    return owner


def expected(store: Store, *events: KeptEvent) -> Results:
    """Return what the reference makes of ``events``, percentiles where the store knows them."""
    rule = reference.RULES["hxi"]
    return expected_results(map(seen, events), rule, percentiles=isinstance(store.sink, PostgresSink))


def rage(store: Store) -> list[tuple[int, float, float]]:
    """Return clicks, first and last second of the rage clicks, in order of time."""
    rows = store.table("rage_click_events")
    noon = moment(at(0))
    return sorted(
        (row["click_count"], *((row[name] - noon).total_seconds() for name in ("first_click_time", "last_click_time")))
        for row in rows
    )


def stored(store: InPostgres, table: str) -> list[Row]:
    """Return whole rows with their ids, in order of those."""
    with psycopg.connect(store.url, row_factory=dict_row) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY id".encode()).fetchall()


def insert(store: InPostgres, table: str, **values: Any) -> None:
    """Insert a row as others do."""
    names, marks = ", ".join(values), ", ".join(["%s"] * len(values))
    with psycopg.connect(store.url) as connection:
        connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})".encode(), list(values.values()))


# Flush after flush, in seconds; a click at FAR is on the same screen and out of reach.
@pytest.mark.parametrize(
    ("flushes", "counts"),
    [
        pytest.param([clicks(0, 0.3), clicks(0.6)], [(3, 0, 0.6)], id="becomes one"),
        pytest.param([clicks(0, 0.3, 0.6), clicks(0.9), clicks(1.9)], [(5, 0, 1.9)], id="grows"),
        pytest.param([clicks(0, 0.3, 0.6), clicks(1.600001)], [(3, 0, 0.6)], id="ends after the gap"),
        pytest.param([clicks(1, 1.3, 1.6), clicks(0.2)], [(4, 0.2, 1.6)], id="begins earlier"),
        pytest.param([clicks(0, 0.4, 0.8), clicks(0.2)], [(4, 0, 0.8)], id="one more amid it"),
        pytest.param([clicks(0, 0.4, 0.8), [click(0.6, x=FAR)]], [], id="split into none"),
        pytest.param(
            [clicks(0, 0.2, 0.4, 0.6, 0.8, 1), [click(0.5, x=FAR)]], [(3, 0, 0.4), (3, 0.6, 1)], id="split in two"
        ),
        pytest.param([clicks(0, 0.2, 0.4, 0.6), [click(0.5, x=FAR)]], [(3, 0, 0.4)], id="cut short"),
        pytest.param([clicks(0, 0.2, 0.4, 0.6), [click(0.1, x=FAR)]], [(3, 0.2, 0.6)], id="begins later"),
        pytest.param([clicks(0, 0.2, 0.4), clicks(1.6, 1.8, 2), clicks(1)], [(7, 0, 2)], id="two joined"),
        pytest.param(
            [clicks(0, 0.2, 0.4), clicks(2, 2.2, 2.4), clicks(0.5)], [(3, 2, 2.4), (4, 0, 0.5)], id="one of two"
        ),
        pytest.param(
            [clicks(0, 0.4, 0.8), [click(0.6, x=FAR)], [click(0.1, x=FAR)], clicks(0.9, 1)],
            [(3, 0.8, 1)],
            id="gone and another come",
        ),
        pytest.param([clicks(0, 0.3, 0.6), [click(0.5, x=FAR, screen_name="/b")]], [(3, 0, 0.6)], id="another screen"),
        pytest.param(
            [clicks(0, 0.3, 0.6), [click(0.5, x=FAR, session_id=OTHER_SESSION)]], [(3, 0, 0.6)], id="another session"
        ),
    ],
)
async def test_rage_clicks_follow_their_clicks(
    store: Store, flushes: list[list[KeptEvent]], counts: list[tuple[int, float, float]]
) -> None:
    await written(store, *flushes)
    assert rage(store) == sorted(counts)
    assert store.results() == expected(store, *flat(flushes))


# 0 .1 .2: one | .3 .4: it grows | 10 .. 10.2: another | 5: no rage | 0 .1 .2 by another session
async def test_a_flush_tells_how_many_rage_clicks_it_found(store: Store) -> None:
    owner = await Owner.of(store.sink)
    others = [click(second, session_id=OTHER_SESSION) for second in (0, 0.1, 0.2)]
    flushes = [clicks(0, 0.1, 0.2), clicks(0.3, 0.4), [*clicks(0.5, 10, 10.1, 10.2), *others], clicks(5)]
    assert [(await owner.write(*events)).new_rage_clicks for events in flushes] == [1, 0, 2, 0]


async def test_a_rage_click_that_grows_keeps_its_row(in_postgres: InPostgres) -> None:
    owner = await written(in_postgres, clicks(0, 0.3, 0.6))
    (before,) = stored(in_postgres, "rage_click_events")
    for late in ([click(0.9)], [click(1.2, element_id="else")], [click(0.1)]):
        await owner.write(*late)
    (after,) = stored(in_postgres, "rage_click_events")
    assert after == before | {"click_count": 6, "last_click_time": moment(at(1.2))}
    assert before["detected_at"] is not None


async def test_the_first_part_of_a_rage_click_that_is_split_keeps_its_row(in_postgres: InPostgres) -> None:
    owner = await written(in_postgres, clicks(0, 0.2, 0.4, 0.6, 0.8, 1))
    (before,) = stored(in_postgres, "rage_click_events")
    await owner.write(click(0.5, x=FAR))
    first, second = stored(in_postgres, "rage_click_events")
    assert first == before | {"click_count": 3, "last_click_time": moment(at(0.4))}
    assert second["id"] > first["id"]


async def test_rage_clicks_on_no_screen_and_no_element_grow_too(store: Store) -> None:
    nowhere = [click(n / 10, screen_name=None, element_id=None, x=None, y=None) for n in range(6)]
    await written(store, nowhere[:3], nowhere[3:5], nowhere[5:])
    assert rage(store) == [(6, 0, 0.5)]
    assert store.results() == expected(store, *nowhere)


async def test_rage_clicks_of_one_instant_are_rows_of_their_own_and_numbered_anew(store: Store) -> None:
    here = [click(0, event_uuid=numbered(n)) for n in (1, 3, 5)]
    there = [click(0, x=FAR, event_uuid=numbered(n)) for n in (7, 8, 9)]
    owner = await written(store, there, here)
    assert [row["run_ordinal"] for row in store.table("rage_click_events")] == [0, 1]
    between = click(0, x=2 * FAR, event_uuid=numbered(4))
    await owner.write(between)
    assert [row["run_ordinal"] for row in store.table("rage_click_events")] == [0]
    assert store.results() == expected(store, *here, *there, between)


async def test_a_rage_click_of_a_thousand_clicks_is_one_row_whichever_comes_last(store: Store) -> None:
    long = clicks(*(n / 2 for n in range(1000)))
    await written(store, long[:300], long[301:], [long[300]])
    assert rage(store) == [(1000, 0, 499.5)]


async def test_rage_clicks_that_others_inserted_are_never_touched(in_postgres: InPostgres) -> None:
    owner = await written(in_postgres)
    theirs = {"session_id": SESSION, "screen_name": "/cart", "first_click_time": moment(at(0)), "click_count": 99}
    await owner.write(click(-100))
    for _ in range(2):
        insert(in_postgres, "rage_click_events", **theirs)
    before = stored(in_postgres, "rage_click_events")
    await owner.write(*clicks(0, 0.3, 0.6))
    await owner.write(*clicks(0.9))
    assert [row["click_count"] for row in stored(in_postgres, "rage_click_events")] == [99, 99, 4]
    await owner.write(click(0.1, x=FAR), click(0.4, x=FAR), click(0.7, x=FAR))
    assert stored(in_postgres, "rage_click_events") == before


async def test_points_and_steps_that_others_inserted_are_never_touched(in_postgres: InPostgres) -> None:
    owner = await written(in_postgres, [view(-100, "/cart")])
    theirs = {"session_id": SESSION, "screen_name": "/cart", "event_time": moment(at(0))}
    for _ in range(2):
        insert(in_postgres, "heatmap_points", **theirs, x=5, y=5)
        insert(in_postgres, "journey_steps", **theirs, step_number=1)
        insert(in_postgres, "journey_steps", **theirs, step_number=2)
    points, steps = stored(in_postgres, "heatmap_points"), stored(in_postgres, "journey_steps")
    await owner.write(click(0), view(1, "/b"))
    await owner.write(click(1), view(-200, "/c"))
    assert stored(in_postgres, "heatmap_points")[: len(points)] == points
    assert stored(in_postgres, "journey_steps")[1 : len(steps)] == steps[1:]
    ours = [row for row in stored(in_postgres, "journey_steps") if row["derived"]]
    assert sorted((row["step_number"], row["screen_name"]) for row in ours) == [(1, "/c"), (2, "/cart"), (3, "/b")]


async def test_a_point_grows_and_its_place_is_the_mean_of_all(store: Store) -> None:
    flushes = [[click(5, x=0, y=-1)], [click(1, x=1, y=-2), click(9.999999, x=9, y=-3)], [click(3, x=0, y=-10)]]
    owner = await written(store, *flushes)
    (point,) = store.table("heatmap_points")
    # 10 / 4 = 2.5 and -16 / 4 = -4
    assert (point["x"], point["y"], point["weight"], point["event_time"]) == (3, -4, 4, moment(at(1)))
    await owner.write(click(0, x=0, y=-1))
    (point,) = store.table("heatmap_points")
    # 10 / 5 = 2 and -17 / 5 = -3.4
    assert (point["x"], point["y"], point["weight"], point["event_time"]) == (2, -3, 5, moment(at(0)))


@pytest.mark.parametrize(("ys", "mean"), [((0, 1), 1), ((1, 2), 2), ((-1, -2), -1), ((-2, -3), -2), ((0, 0, 1), 0)])
async def test_a_mean_halfway_between_pixels_is_rounded_up(store: Store, ys: tuple[int, ...], mean: int) -> None:
    at_once = [kept(n, SCROLL, scroll_position=y) for n, y in enumerate(ys)]
    one_by_one = [[replace(event, session_id=OTHER_SESSION)] for event in at_once]
    await written(store, at_once, *one_by_one)
    assert [(row["x"], row["y"], row["weight"]) for row in store.table("heatmap_points")] == [(None, mean, len(ys))] * 2


async def test_a_point_without_coordinates_grows_and_has_none(store: Store) -> None:
    await written(store, [click(0, x=None)], [click(1, x=None)], [click(2, x=None, y=None)])
    points = [(row["x"], row["y"], row["weight"]) for row in store.table("heatmap_points")]
    assert sorted(points, key=str) == [(None, 5, 2), (None, None, 1)]


async def test_points_far_outside_of_any_screen_are_summed_exactly(store: Store) -> None:
    corner = [click(n, x=2**31 - 1, y=-(2**31)) for n in range(3)]
    await written(store, corner[:1], corner[1:])
    (point,) = store.table("heatmap_points")
    assert (point["x"], point["y"], point["sum_x"]) == (2**31 - 1, -(2**31), 3 * (2**31 - 1))


@pytest.mark.parametrize(
    ("flushes", "journey"),
    [
        pytest.param([[view(0, "A")], [view(1, "B")], [view(2, "A")]], "ABA", id="in order"),
        pytest.param([[view(0, "A")], [view(2, "B")], [view(1, "C")]], "ACB", id="late between"),
        pytest.param([[view(1, "A"), view(2, "B")], [view(0, "C")]], "CAB", id="late at the start"),
        pytest.param([[view(1, "A"), view(2, "B")], [view(0, "A")]], "AB", id="late, of the first screen"),
        pytest.param([[view(0, "A"), view(4, "A"), view(5, "C")], [view(2, "B")]], "ABAC", id="late, amid a stay"),
        pytest.param(
            [[view(0, "A"), view(4, "B")], [view(1, "A"), view(3, "B")]], "AB", id="late, of the same screens"
        ),
        pytest.param([[view(0, "B")], [view(0, "A")]], "AB", id="at one instant"),
        pytest.param(
            [[view(0, "A", event_uuid=numbered(2))], [view(0, "B", event_uuid=numbered(1))]], "BA", id="by id"
        ),
        pytest.param([[view(0, "A")], [view(1, "B", SCREEN_VIEW)], [kept(0.5, screen_name="C")]], "AB", id="of views"),
    ],
)
async def test_journeys_are_in_the_order_of_event_times(
    store: Store, flushes: list[list[KeptEvent]], journey: str
) -> None:
    await written(store, *flushes)
    steps = sorted((row["step_number"], row["screen_name"]) for row in store.table("journey_steps"))
    assert steps == list(enumerate(journey, 1))
    assert store.results() == expected(store, *flat(flushes))


async def test_a_window_of_calls_is_the_sum_of_all_flushes_and_partitions(store: Store) -> None:
    first, second = await Owner.of(store.sink), await Owner.of(store.sink, OTHER_PARTITION)
    mine = [call(0, 0), call(59.999999, 2000, 503), call(60, 5), call(30, 501, endpoint="/users/8?x")]
    theirs = [
        replace(event, session_id=OTHER_SESSION) for event in (call(1, 2**31 - 1, 0), call(2, 500), call(3, 2001))
    ]
    await first.write(*mine[:2])
    await second.write(*theirs[:2])
    await first.write(*mine[2:])
    await second.write(*theirs[2:])
    table = "hxi_state.latency_windows" if isinstance(store.sink, PostgresSink) else "latency_windows"
    windows = {row["window_start"]: row for row in store.table(table)}
    assert windows.keys() == {moment(at(0)), moment(at(60))}
    sums = {"calls": 6, "errors": 2, "min_ms": 0, "max_ms": 2**31 - 1, "satisfied": 2, "tolerating": 2}
    assert windows[moment(at(0))].items() >= (sums | {"sum_ms": 2**31 - 1 + 5002}).items()
    assert store.results() == expected(store, *mine, *theirs)


async def test_windows_of_no_screen_are_one(store: Store) -> None:
    calls = [call(n, n, screen_name=screen) for n, screen in enumerate([None, "", None, "/a", None])]
    await written(store, *([one] for one in calls))
    assert sorted(window[0] for window in store.results().latency.values()) == [1, 1, 3]
    assert store.results() == expected(store, *calls)


async def test_a_crowded_window_counts_what_it_has_no_room_for_under_other(store: Store) -> None:
    most = Limits().window_keys
    names = [f"/made-up-{number}" for number in range(most + 5)]
    early = [call(1, 10, endpoint=name) for name in names[:-10]]
    late = [call(2, 20, 503, endpoint=name) for name in (names[0], *names[-10:], names[-1])]
    in_time = call(61, 30, endpoint=names[-3])
    await written(store, early, [*late, in_time], [call(3, 40, endpoint=names[-10]), call(4, 50, endpoint=names[-1])])
    windows = store.results().latency
    first = {(screen, name): window for (start, screen, name), window in windows.items() if start == at(0)}
    assert len(first) == most + 1
    assert sum(window[0] for window in first.values()) == len(early) + len(late) + 2
    assert (first[None, names[0]][0], first[None, names[-1]][0]) == (2, 3)
    assert first["other", "other"][:4] == (5 + 1, 5, 20, 40)
    assert [name for start, _, name in windows if start == at(60)] == [names[-3]]


async def test_latencies_that_are_counted_under_other_are_told(store: Store) -> None:
    most = Limits().window_keys
    owner = await Owner.of(store.sink)
    written = [
        await owner.write(*(call(1, 10, endpoint=f"/made-up-{number}") for number in numbers))
        for numbers in (range(most - 1), range(most - 2, most + 4), [0])
    ]
    assert [each.folded_latencies for each in written] == [0, 4, 0]


EVERYTHING: list[list[KeptEvent]] = [
    [*clicks(0, 0.4), view(0, "A"), call(0, 10), kept(0, SCROLL, scroll_position=7)],
    [*clicks(0.8, 1.2), view(2, "B"), call(1, 600, 500), kept(1, MOUSE_MOVE, x=3, y=3)],
    [click(0.6, x=FAR), view(1, "C"), call(61, 3000), kept(9, SCROLL, scroll_position=3)],
    [click(0.5), click(1.3), click(1.4), view(2, "A"), kept(10, MOUSE_MOVE, x=4, y=4)],
]


async def test_results_are_the_references_in_whatever_order_flushes_come(store: Store) -> None:
    orders = list(permutations(EVERYTHING))
    told = [
        [[replace(event, session_id=numbered(number)) for event in events] for events in order]
        for number, order in enumerate(orders)
    ]
    await written(store, *flat(told))
    assert store.results() == expected(store, *flat(flat(told)))


async def test_results_of_a_flush_whose_commit_was_not_heard_of_are_counted_once(store: Store) -> None:
    owner = await Owner.of(store.sink)
    flush = owner.flush(*flat(EVERYTHING))
    assert [(await store.sink.write(flush)).resolved for _ in range(2)] == [False, True]
    assert store.results() == expected(store, *flat(EVERYTHING))


BAD = [kept(0.1, metadata=b"no JSON"), click(0.1, screen_name="/\0"), call(2, 5, endpoint="/\0")]


@pytest.mark.parametrize("bad", BAD, ids=["json", "NUL in a screen", "NUL in an endpoint"])
async def test_a_flush_with_a_refused_row_writes_no_result(store: Store, bad: KeptEvent) -> None:
    owner = await written(store)
    with pytest.raises(RowsRejected):
        await owner.write(*EVERYTHING[0], bad, *EVERYTHING[1])
    assert store.results() == NOTHING


@pytest.mark.parametrize("bad", BAD, ids=["json", "NUL in a screen", "NUL in an endpoint"])
async def test_results_are_those_of_the_rows_that_were_not_refused(store: Store, bad: KeptEvent) -> None:
    owner = await written(store, EVERYTHING[0])
    events = [replace(event, place=Place(EVENTS, n)) for n, event in enumerate([bad, *EVERYTHING[1], *EVERYTHING[2]])]
    flush = owner.flush(*events)
    assert (await store.sink.rejected(flush)).keys() == {Place(EVENTS, 0)}
    assert store.results() == expected(store, *EVERYTHING[0])
    await store.sink.write(Flush(flush.spans, flush.events[1:]))
    assert store.results() == expected(store, *flat(EVERYTHING[:3]))


async def test_a_fenced_writer_writes_no_result(store: Store) -> None:
    slow = await Owner.of(store.sink)
    await Owner.of(store.sink)
    with pytest.raises(Fenced):
        await slow.write(*EVERYTHING[0], *EVERYTHING[1])
    assert store.results() == NOTHING


async def test_simulated_traffic_gives_the_references_results(store: Store) -> None:
    deliveries = list(
        simulate(Traffic(sessions_per_minute=30, batch_size=3), events=1500, seed=5, start_ms=at(0) // 1000)
    )
    items = flat(decoded(delivery, offset) for offset, delivery in enumerate(deliveries))
    events = list({item.event_uuid: item for item in items if isinstance(item, KeptEvent)}.values())
    late_first = events[1000:] + events[:1000]
    await written(store, *(late_first[begin : begin + 100] for begin in range(0, len(events), 100)))
    results = store.results()
    assert results == expected(store, *events)
    assert all((results.rage_clicks, results.heatmap_points, results.journey_steps, results.latency))
