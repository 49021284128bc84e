"""The simulated traffic keeps the contract, its rates, and its promise to be the same for the same seed."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice, pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.simulation import Delivery, Mood, Traffic, arrivals, moods, simulate

START_MS = 1_700_000_000_000
HOUR_MS = 3_600_000
CALM_NETWORK: dict[str, Any] = {"duplicate_rate": 0.0, "late_rate": 0.0, "out_of_order_rate": 0.0}
# So few people that a run outlasts its late records.
QUIET_SHOP = Traffic(sessions_per_minute=5)
# fmt: off
KNOWN_TYPES = {
    "click", "scroll", "mouse_move", "input", "page_view", "screen_view", "api_call", "error",
    "session_start", "session_end", "identify",
}
OWN_TYPES = {"purchase", "visibility_hidden", "visibility_visible"}
TEXTS = {
    "page_url", "screen_name", "element_id", "element_type", "api_endpoint", "error_message", "stack_trace",
    "device_id", "ip_address", "user_agent", "screen_resolution", "app_version",
}
NUMBERS = {"x", "y", "scroll_position", "viewport_width", "viewport_height", "latency_ms", "status_code"}
FIELDS = TEXTS | NUMBERS | {"session_id", "event_type", "timestamp", "event_uuid", "sent_at", "metadata", "user"}
# fmt: on
UUID_V4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def run(traffic: Traffic, events: int = 2_000, seed: int = 1) -> list[Delivery]:
    """Simulate to the end."""
    return list(simulate(traffic, events=events, seed=seed, start_ms=START_MS))


@cache
def plain() -> tuple[Delivery, ...]:
    """Return a run of some two hours over a good network, which several tests only read."""
    return tuple(run(Traffic(sessions_per_minute=5, **CALM_NETWORK), 60_000))


@cache
def rough() -> tuple[Delivery, ...]:
    """Return a run of some two hours over the default network, which several tests only read."""
    return tuple(run(QUIET_SHOP, 60_000))


def text_of(deliveries: Iterable[Delivery]) -> str:
    """Write deliveries as JSON Lines."""
    return "\n".join(json.dumps([d.message, d.sent_at_ms, d.is_replay, d.session_id]) for d in deliveries)


def events_of(deliveries: Iterable[Delivery]) -> Iterator[dict[str, Any]]:
    """Unpack batches: each event with the shared fields filled in."""
    for delivery in deliveries:
        if not delivery.is_replay:
            shared = {k: v for k, v in delivery.message.items() if k != "events"}
            for event in delivery.message.get("events", [{}]):
                yield shared | event


def sessions_of(deliveries: Iterable[Delivery]) -> dict[str, list[dict[str, Any]]]:
    """Group events by session, in order of event time."""
    sessions: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events_of(deliveries):
        sessions[event["session_id"]].append(event)
    for events in sessions.values():
        events.sort(key=lambda event: event["timestamp"])
    return sessions


def assert_keeps_the_contract(event: dict[str, Any], sent_at_ms: int) -> None:
    """Check one event against the contract's table of fields."""
    assert set(event) <= FIELDS
    assert UUID_V4.fullmatch(event["event_uuid"])
    assert str(UUID(event["session_id"])) == event["session_id"]
    assert event["event_type"] in KNOWN_TYPES | OWN_TYPES
    assert type(event["timestamp"]) is int
    assert START_MS <= event["timestamp"] <= sent_at_ms
    assert sent_at_ms - event["timestamp"] < HOUR_MS
    assert 0 <= sent_at_ms - event.get("sent_at", sent_at_ms) <= 1_000
    assert all(isinstance(event[name], str) and event[name] for name in TEXTS & set(event))
    assert all(type(event[name]) is int and event[name] >= 0 for name in NUMBERS & set(event))
    assert isinstance(event.get("metadata", {}), dict)
    assert "page_url" in event or "screen_name" in event
    needed = {
        "api_call": {"api_endpoint", "latency_ms", "status_code"},
        "error": {"error_message", "stack_trace"},
        "identify": {"user"},
        "click": {"element_id", "element_type", "x", "y", "viewport_width", "viewport_height"},
        "mouse_move": {"x", "y", "viewport_width", "viewport_height"},
        "scroll": {"scroll_position", "viewport_width", "viewport_height"},
    }
    assert needed.get(event["event_type"], set()) <= set(event)
    assert event.get("status_code", 0) <= 599
    assert set(event.get("user", {})) <= {"external_user_id", "email", "device_type", "locale"}


@pytest.mark.parametrize("traffic", [Traffic(), Traffic(batch_size=7, replay=True)], ids=["single", "batches, replay"])
def test_same_seed_gives_the_same_bytes(traffic: Traffic) -> None:
    assert text_of(run(traffic)) == text_of(run(traffic))


def test_another_seed_gives_other_bytes() -> None:
    assert text_of(run(Traffic(), seed=1)) != text_of(run(Traffic(), seed=2))


def test_a_longer_run_begins_with_the_shorter_one() -> None:
    shorter, longer = run(Traffic(), 500), run(Traffic(), 1_500)
    assert text_of(longer[: len(shorter)]) == text_of(shorter)


@given(
    events=st.integers(0, 400),
    seed=st.integers(0, 2**63),
    batch_size=st.integers(1, 30),
    replay=st.booleans(),
    duplicate_rate=st.sampled_from([0.0, 0.02, 1.0]),
    late_rate=st.sampled_from([0.0, 0.5]),
)
@settings(max_examples=60, deadline=None)
def test_every_run_has_exactly_its_events_in_order_of_delivery(events: int, seed: int, **policy: Any) -> None:
    deliveries = run(Traffic(**policy), events, seed)
    assert sum(1 for _ in events_of(deliveries)) == events
    times = [delivery.sent_at_ms for delivery in deliveries]
    assert times == sorted(times)
    for delivery in deliveries:
        for event in events_of([delivery]):
            assert event["session_id"] == delivery.session_id
            assert_keeps_the_contract(event, delivery.sent_at_ms)


def test_every_message_keeps_the_contract() -> None:
    for delivery in rough():
        assert_keeps_the_contract(delivery.message, delivery.sent_at_ms)


def test_batches_hold_the_same_events_as_single_records() -> None:
    def by_uuid(batch_size: int) -> dict[str, dict[str, Any]]:
        deliveries = run(Traffic(batch_size=batch_size, sent_at_rate=0.0, **CALM_NETWORK), 6_000)
        return {event["event_uuid"]: event for event in events_of(deliveries)}

    single, batched = by_uuid(1), by_uuid(10)
    both = single.keys() & batched.keys()
    assert len(both) > 5_000
    assert all(single[uuid] == batched[uuid] for uuid in both)


def test_a_batch_states_shared_fields_once_and_is_never_too_large() -> None:
    batches = [delivery.message for delivery in run(Traffic(batch_size=5))]
    assert all(1 <= len(batch["events"]) <= 5 and "session_id" in batch for batch in batches)
    assert not any("session_id" in event for batch in batches for event in batch["events"])
    assert sum(len(batch["events"]) for batch in batches) / len(batches) > 3


def test_people_do_the_same_over_a_bad_network() -> None:
    def by_uuid(**policy: Any) -> dict[str, dict[str, Any]]:
        deliveries = run(Traffic(sent_at_rate=0.0, **policy), 6_000)
        return {event["event_uuid"]: event for event in events_of(deliveries)}

    calm, rough = by_uuid(**CALM_NETWORK), by_uuid(duplicate_rate=0.1, late_rate=0.02, out_of_order_rate=0.2)
    both = calm.keys() & rough.keys()
    assert len(both) > 4_500
    assert all(calm[uuid] == rough[uuid] for uuid in both)


def test_a_good_network_keeps_order_and_sends_once() -> None:
    newest: dict[str, int] = {}
    for delivery in plain():
        assert delivery.message["timestamp"] >= newest.get(delivery.session_id, 0)
        newest[delivery.session_id] = delivery.message["timestamp"]
    assert len({delivery.message["event_uuid"] for delivery in plain()}) == len(plain())


def test_a_duplicate_is_the_same_event_but_for_when_it_was_sent() -> None:
    seen: dict[str, dict[str, Any]] = {}
    for delivery in run(Traffic(duplicate_rate=1.0), 3_000):
        event = {k: v for k, v in delivery.message.items() if k != "sent_at"}
        assert seen.setdefault(event["event_uuid"], event) == event


def test_rates_come_out_as_set() -> None:
    uuids = Counter(delivery.message["event_uuid"] for delivery in rough())
    assert set(uuids.values()) == {1, 2}
    assert 0.014 < sum(count - 1 for count in uuids.values()) / len(uuids) < 0.024
    delays = [d.sent_at_ms - d.message["timestamp"] for d in rough() if uuids[d.message["event_uuid"]] == 1]
    assert 0.003 < sum(delay >= 60_000 for delay in delays) / len(delays) < 0.005
    assert 0.022 < sum(1_300 < delay < 60_000 for delay in delays) / len(delays) < 0.032


def test_the_mix_of_types_is_that_of_a_shop() -> None:
    counts = Counter(delivery.message["event_type"] for delivery in plain())
    share = {name: 100 * count / len(plain()) for name, count in counts.items()}
    assert set(share) == KNOWN_TYPES | OWN_TYPES
    assert 40 < share["mouse_move"] < 50
    assert 11 < share["click"] < 17
    assert 12 < share["scroll"] < 20
    assert 4 < share["page_view"] + share["screen_view"] < 8
    assert 8 < share["api_call"] < 14
    assert 3 < share["input"] < 7
    assert 0.4 < share["error"] < 1.6


def test_no_message_names_a_mood() -> None:
    text = text_of(run(Traffic(replay=True), 5_000)).lower()
    assert not [word for word in (*Mood, "mood", "temper", "rage") if re.search(rf"\b{word}\b", text)]


def test_the_truth_covers_every_session() -> None:
    last_ms = rough()[-1].sent_at_ms
    truth = moods(QUIET_SHOP, seed=1, start_ms=START_MS, until_ms=last_ms)
    assert {delivery.session_id for delivery in rough()} <= set(truth)
    assert set(truth.values()) == set(Mood)


def test_moods_follow_their_weights() -> None:
    people = arrivals(Traffic(moods={Mood.BORED: 1, Mood.CALM: 3}), seed=4, start_ms=START_MS)
    counts = Counter(person.mood for person in islice(people, 2_000))
    assert set(counts) == {Mood.BORED, Mood.CALM}
    assert 0.2 < counts[Mood.BORED] / 2_000 < 0.3


def bursts_of(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the third click of each three within a second on one element, steppers left out."""
    clicks = [e for e in events if e["event_type"] == "click" and e["element_type"] != "stepper"]
    return [
        third
        for first, _, third in zip(clicks, clicks[1:], clicks[2:], strict=False)
        if third["timestamp"] - first["timestamp"] <= 1_000 and third["element_id"] == first["element_id"]
    ]


def test_only_frustrated_people_click_in_bursts() -> None:
    truth = moods(QUIET_SHOP, seed=1, start_ms=START_MS, until_ms=plain()[-1].sent_at_ms)
    raging = {session for session, events in sessions_of(plain()).items() if bursts_of(events)}
    assert {truth[session] for session in raging} == {Mood.FRUSTRATED}
    assert len(raging) > 20


def test_double_clicks_and_steppers_look_like_rage_in_every_mood() -> None:
    truth = moods(QUIET_SHOP, seed=1, start_ms=START_MS, until_ms=plain()[-1].sent_at_ms)
    double: set[Mood] = set()
    stepping: set[Mood] = set()
    for session, events in sessions_of(plain()).items():
        clicks = [event for event in events if event["event_type"] == "click"]
        for one, two in pairwise(clicks):
            if one["element_type"] == two["element_type"] == "stepper":
                stepping.add(truth[session])
            elif 100 <= two["timestamp"] - one["timestamp"] <= 299:
                double.add(truth[session])
    assert double == stepping == set(Mood)


def test_sessions_start_with_their_facts_and_mostly_say_that_they_end() -> None:
    sessions = sessions_of(plain())
    # Those of the last ten minutes may be under way still.
    over = [events for events in sessions.values() if events[-1]["timestamp"] < plain()[-1].sent_at_ms - 600_000]
    for events in sessions.values():
        assert events[0]["event_type"] == "session_start"
        assert {"device_id", "ip_address", "user_agent", "screen_resolution", "app_version"} <= set(events[0])
        assert "session_end" not in [event["event_type"] for event in events[:-1]]
    assert 0.6 < sum(events[-1]["event_type"] == "session_end" for events in over) / len(over) < 0.8


def test_people_come_back() -> None:
    users: dict[str, set[str]] = defaultdict(set)
    for event in events_of(plain()):
        if "user" in event:
            users[event["user"]["external_user_id"]].add(event["session_id"])
    assert max(len(sessions) for sessions in users.values()) > 1


def test_fingers_have_no_pointer_and_applications_no_pages() -> None:
    for events in sessions_of(plain()).values():
        types = {event["event_type"] for event in events}
        if not events[0]["device_id"].startswith("desktop"):
            assert "mouse_move" not in types
        if events[0]["user_agent"].startswith("HxiShop"):
            assert "page_view" not in types
            assert not any("page_url" in event for event in events)


def test_replay_is_playable_from_chunk_zero() -> None:
    """Meta, then a full snapshot, then the rest in time order; first copies come in order, without a gap."""
    chunks = [delivery for delivery in run(Traffic(replay=True), 20_000) if delivery.is_replay]
    seen: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for delivery in chunks:
        chunk = delivery.message
        assert set(chunk) == {"session_id", "chunk_index", "chunk_data", "timestamp"}
        assert chunk["session_id"] == delivery.session_id
        data = chunk["chunk_data"]
        assert [data[0]["type"], data[1]["type"]] == [4, 2]
        assert {event["type"] for event in data[2:]} <= {3}
        times = [event["timestamp"] for event in data]
        assert times == sorted(times)
        assert times[-1] <= delivery.sent_at_ms
        known = seen[chunk["session_id"]]
        if chunk["chunk_index"] < len(known):
            assert known[chunk["chunk_index"]] == chunk
        else:
            assert chunk["chunk_index"] == len(known)
            known.append(chunk)
    assert len(chunks) > sum(map(len, seen.values())) > 500


def test_replay_points_lie_in_the_viewport() -> None:
    for delivery in run(Traffic(replay=True), 10_000):
        if delivery.is_replay:
            meta, _, *changes = delivery.message["chunk_data"]
            points = [change["data"] for change in changes if change["data"]["source"] == 2]
            points += [point for change in changes for point in change["data"].get("positions", [])]
            assert all(0 <= point["x"] < meta["data"]["width"] for point in points)
            assert all(-3 <= point["y"] < meta["data"]["height"] + 3 for point in points)


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ({"late_rate": 1.1}, "late_rate is a share"),
        ({"duplicate_rate": -0.1}, "duplicate_rate is a share"),
        ({"batch_size": 0}, "batch_size must be positive"),
        ({"sessions_per_minute": 0}, "sessions_per_minute must be positive"),
        ({"moods": {}}, "moods needs weights"),
        ({"late_rate": 0.6, "out_of_order_rate": 0.6}, "add up to more than 1"),
    ],
)
def test_a_policy_that_makes_no_world_is_refused(policy: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Traffic(**policy)


def test_a_negative_number_of_events_is_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        simulate(Traffic(), events=-1, seed=1, start_ms=START_MS)
