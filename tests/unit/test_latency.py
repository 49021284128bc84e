"""Latency windows: which minute and endpoint a call counts for, errors, Apdex, and the sketch's bins."""

import random
from collections import Counter
from typing import Any

import pytest
from ddsketch import DDSketch
from ddsketch.mapping import LogarithmicMapping

from pipeline.latency import MOST_ENDPOINT_CHARACTERS, RELATIVE_ERROR, ZERO_BIN, latency_rows, normalised
from pipeline.moments import moment
from schema.events import API_CALL
from schema.rows import ApiCall, KeptEvent, LatencyWindowRow
from tests.builders import OTHER_SESSION, at, kept

T_MS = 500
INT4_MAX = 2**31 - 1
UUID_TEXT = "5f1d7f3a-9c2b-4e6d-8a01-0123456789ab"


def call(
    latency_ms: int = 100, status: int = 200, seconds: float = 0, endpoint: str = "/a", **fields: Any
) -> KeptEvent:
    return kept(seconds, API_CALL, api_call=ApiCall(endpoint, latency_ms, status), **fields)


def only(*events: KeptEvent) -> LatencyWindowRow:
    (window,) = latency_rows(events, T_MS)
    return window


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("/users/123?x=1", "/users/:id"),
        ("/users/123#top", "/users/:id"),
        ("/users?id=7#8", "/users"),
        ("/users#a?b", "/users"),
        ("?x=1", ""),
        ("", ""),
        ("/", "/"),
        ("/users", "/users"),
        ("/users/", "/users/"),
        ("users/0", "users/:id"),
        ("/users/7/", "/users/:id/"),
        ("/1/2/3", "/:id/:id/:id"),
        ("//7//", "//:id//"),
        # numbers: whole segments of ASCII digits
        ("/v2/users/007", "/v2/users/:id"),
        ("/users/7a", "/users/7a"),
        ("/users/-7", "/users/-7"),
        ("/users/7.5", "/users/7.5"),
        ("/users/٣", "/users/٣"),
        ("/orders/7,8", "/orders/7,8"),
        # UUIDs in either case, dashes in their places
        (f"/u/{UUID_TEXT}", "/u/:id"),
        (f"/u/{UUID_TEXT.upper()}/x", "/u/:id/x"),
        (f"/u/{UUID_TEXT}0", f"/u/{UUID_TEXT}0"),
        (f"/u/{{{UUID_TEXT}}}", f"/u/{{{UUID_TEXT}}}"),
        (f"/u/{UUID_TEXT[:-1]}", f"/u/{UUID_TEXT[:-1]}"),
        # hexadecimal: 7, 8 characters with a digit; 8, 15, 16, 17 without
        ("/h/abcdef1", "/h/abcdef1"),
        ("/h/abcdef12", "/h/:id"),
        ("/h/ABCDEF12", "/h/:id"),
        ("/h/abcdefg1", "/h/abcdefg1"),
        ("/h/deadbeef", "/h/deadbeef"),
        ("/h/" + "feedface" * 2, "/h/:id"),
        ("/h/" + "feedface" * 2 + "a", "/h/:id"),
        ("/h/" + ("feedface" * 2)[:-1], "/h/" + ("feedface" * 2)[:-1]),
        ("/h/effaced", "/h/effaced"),
        # what is in front of the path, and other text
        ("https://api.example/users/7?x", "https://api.example/users/:id"),
        ("https://a1b2c3d4e5f6/api/7", "https://a1b2c3d4e5f6/api/:id"),
        ("http://10/7", "http://10/:id"),
        ("GET /users/7", "GET /users/:id"),
        ("/graphql", "/graphql"),
        ("/ÜBER/7\n", "/ÜBER/7\n"),
    ],
)
def test_endpoints_lose_query_and_fragment_and_ids_in_their_path(endpoint: str, expected: str) -> None:
    assert normalised(endpoint) == expected
    assert normalised(expected) == expected


@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_endpoints_are_cut_where_an_index_entry_has_no_more_room(beyond: int) -> None:
    long = "/" + "é" * (MOST_ENDPOINT_CHARACTERS - 1 + beyond)
    assert normalised(long) == long[:MOST_ENDPOINT_CHARACTERS]
    assert len(normalised(long)) == MOST_ENDPOINT_CHARACTERS + min(beyond, 0)


def test_ids_are_replaced_before_an_endpoint_is_cut() -> None:
    long = "/" + "9" * 300
    assert normalised(f"{long}/users") == "/:id/users"


# A minute:   -0.000001 | 0 ............ 59.999999 | 60
def test_a_call_counts_for_the_minute_it_was_made_in() -> None:
    found = latency_rows([call(seconds=seconds) for seconds in (60, 0, 59.999999, -0.000001)], T_MS)
    assert [(row.window_start, row.calls) for row in found] == [
        (moment(at(60)), 1),
        (moment(at(0)), 2),
        (moment(at(-60)), 1),
    ]


def test_screens_and_endpoints_have_windows_of_their_own_and_sessions_share_them() -> None:
    calls = [
        call(screen_name="/s"),
        call(screen_name="/s", session_id=OTHER_SESSION),
        call(screen_name="/s", endpoint="/a?query"),
        call(screen_name="/s", endpoint="/b"),
        call(screen_name="/t"),
        call(screen_name=""),
        call(screen_name=None),
    ]
    found = {(row.screen_name, row.api_endpoint): row.calls for row in latency_rows(calls, T_MS)}
    assert found == {("/s", "/a"): 3, ("/s", "/b"): 1, ("/t", "/a"): 1, ("", "/a"): 1, (None, "/a"): 1}


def test_events_that_are_no_calls_make_no_windows() -> None:
    assert latency_rows([kept(0), kept(0, "other")], T_MS) == []


@pytest.mark.parametrize(
    ("status", "errors"), [(0, 1), (1, 0), (199, 0), (200, 0), (404, 0), (499, 0), (500, 1), (501, 1), (599, 1)]
)
def test_an_error_is_no_response_or_a_status_of_500_and_more(status: int, errors: int) -> None:
    assert only(call(status=status)).errors == errors


# T = 500 ms:   0 ..... 500 satisfied | 501 ..... 2000 tolerating | 2001 ..... frustrated
@pytest.mark.parametrize(
    ("latency_ms", "satisfied", "tolerating"),
    [
        (0, 1, 0),
        (499, 1, 0),
        (500, 1, 0),
        (501, 0, 1),
        (1999, 0, 1),
        (2000, 0, 1),
        (2001, 0, 0),
        (INT4_MAX, 0, 0),
    ],
)
def test_callers_are_satisfied_up_to_t_and_tolerate_four_times_it(
    latency_ms: int, satisfied: int, tolerating: int
) -> None:
    window = only(call(latency_ms))
    assert (window.satisfied, window.tolerating) == (satisfied, tolerating)


def test_t_is_as_the_policy_says() -> None:
    (window,) = latency_rows([call(latency_ms) for latency_ms in (1, 2, 4, 5)], 1)
    assert (window.satisfied, window.tolerating, window.calls) == (1, 2, 4)


def test_a_failed_call_counts_by_its_latency_like_any_other() -> None:
    window = only(call(10, 500), call(30, 0), call(20))
    assert (window.calls, window.errors, window.satisfied) == (3, 2, 3)
    assert (window.min_ms, window.max_ms, window.sum_ms) == (10, 30, 60)


def test_sums_may_be_larger_than_any_latency() -> None:
    assert only(*[call(INT4_MAX)] * 3).sum_ms == 3 * INT4_MAX


@pytest.mark.parametrize(
    ("latencies", "bins"),
    [
        ([0], {ZERO_BIN: 1}),
        ([1], {0: 1}),
        ([2], {35: 1}),
        ([2, 0, 1, 0, 2, 2], {ZERO_BIN: 2, 0: 1, 35: 3}),
        ([INT4_MAX], {1075: 1}),
    ],
)
def test_bins_rise_and_each_has_its_calls(latencies: list[int], bins: dict[int, int]) -> None:
    window = only(*map(call, latencies))
    assert window.bins == sorted(bins)
    assert dict(zip(window.bins, window.bin_calls, strict=True)) == bins


def test_the_middle_of_its_bin_is_within_one_percent_of_every_latency() -> None:
    mapping = LogarithmicMapping(RELATIVE_ERROR)
    edges = [round(mapping.gamma**n) + d for n in range(1076) for d in (-1, 0, 1)]
    for latency_ms in {*range(1, 3000), *(edge for edge in edges if 0 < edge <= INT4_MAX), INT4_MAX}:
        (number,) = only(call(latency_ms)).bins
        middle = 2 * mapping.gamma**number / (1 + mapping.gamma)
        assert abs(middle - latency_ms) <= RELATIVE_ERROR * latency_ms * (1 + 1e-9), latency_ms


@pytest.mark.parametrize("fraction", [0, 0.25, 0.5, 0.95, 0.99, 1])
def test_bins_are_those_of_the_librarys_own_sketch(fraction: float) -> None:
    chance = random.Random(3)
    latencies = [round(chance.lognormvariate(5, 2)) for _ in range(1001)]
    whole = DDSketch(RELATIVE_ERROR)
    for latency_ms in latencies:
        whole.add(latency_ms)
    window = only(*map(call, latencies))
    ranked = [number for number, calls in zip(window.bins, window.bin_calls, strict=True) for _ in range(calls)]
    number = ranked[round(fraction * 1000)]
    middle = 0 if number == ZERO_BIN else LogarithmicMapping(RELATIVE_ERROR).value(number)
    assert whole.get_quantile_value(fraction) == pytest.approx(middle)


def test_windows_of_parts_add_up_to_the_window_of_the_whole() -> None:
    chance = random.Random(4)
    calls = [call(chance.choice([0, 1, 499, 501, 2001, 99_999]), chance.choice([0, 200, 500])) for _ in range(200)]
    whole, parts = only(*calls), [only(*calls[:70]), only(*calls[70:])]
    for name in ("calls", "errors", "sum_ms", "satisfied", "tolerating"):
        assert getattr(whole, name) == sum(getattr(part, name) for part in parts), name
    assert (whole.min_ms, whole.max_ms) == (min(p.min_ms for p in parts), max(p.max_ms for p in parts))
    bins: Counter[int] = Counter()
    for part in parts:
        bins.update(dict(zip(part.bins, part.bin_calls, strict=True)))
    assert dict(zip(whole.bins, whole.bin_calls, strict=True)) == bins
    assert sum(whole.bin_calls) == whole.calls
