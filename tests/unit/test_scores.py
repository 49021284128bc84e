"""A score is 100 less what its issues say, whatever the trouble and in whatever order it came."""

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.scores import (
    ERROR_AFTER_CLICK,
    FAILED_CALL,
    FRUSTRATED,
    JS_ERROR,
    RAGE_CLICK,
    SLOW_CALL,
    TURNED_BACK,
    WEIGHTS,
    Call,
    Evidence,
    Feeling,
    Happening,
    Rage,
    ScorePolicy,
    Weight,
    log_normal_score,
    score_row,
)
from tests.builders import SESSION, at

POLICY = ScorePolicy()

Issues = list[dict[str, Any]]


def happening(seconds: float, screen: str | None = "/a") -> Happening:
    return Happening(at(seconds), screen)


def call(seconds: float, latency_ms: int = 100, status: int = 200, screen: str | None = "/a") -> Call:
    return Call(at(seconds), screen, latency_ms, status)


def failures(count: int) -> list[Call]:
    return [call(n, status=503) for n in range(count)]


def errors(count: int) -> list[Happening]:
    return [happening(n) for n in range(count)]


def rage(seconds: float, click_count: int = 3, screen: str | None = "/a") -> Rage:
    return Rage(at(seconds), screen, click_count)


def feeling(seconds: float, emotion: str = FRUSTRATED, confidence: float = 1.0, screen: str | None = "/a") -> Feeling:
    return Feeling(at(seconds), screen, emotion, confidence)


def way(*screens: str | None, every_s: float = 1) -> list[Happening]:
    return [happening(n * every_s, screen) for n, screen in enumerate(screens)]


def judged(evidence: Evidence, policy: ScorePolicy = POLICY) -> tuple[int, Issues]:
    """Return score and issues."""
    row = score_row(SESSION, evidence, policy)
    assert row.session_id == SESSION
    return row.score, json.loads(row.issues)


def costs(evidence: Evidence, policy: ScorePolicy = POLICY) -> dict[str, tuple[int, int]]:
    """Return count and points by code."""
    return {issue["code"]: (issue["count"], issue["points"]) for issue in judged(evidence, policy)[1]}


def weighing(code: str, points: float, cap: int) -> ScorePolicy:
    return replace(POLICY, weights={**WEIGHTS, code: Weight(points, cap)})


def test_a_session_without_events_scores_100() -> None:
    assert judged(Evidence()) == (100, [])


def test_a_session_without_trouble_scores_100() -> None:
    calm = Evidence(clicks=[at(0), at(1)], calls=[call(0, 500), call(1, 1, 404)], steps=way("/a", "/b", "/c"))
    assert judged(calm) == (100, [])


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (Evidence(rage_clicks=[rage(n) for n in range(1)]), {RAGE_CLICK: (1, 8)}),
        (Evidence(rage_clicks=[rage(n) for n in range(2)]), {RAGE_CLICK: (2, 16)}),
        (Evidence(rage_clicks=[rage(n) for n in range(3)]), {RAGE_CLICK: (3, 24)}),
        (Evidence(rage_clicks=[rage(n) for n in range(4)]), {RAGE_CLICK: (4, 24)}),
        (Evidence(rage_clicks=[rage(0, 5)]), {RAGE_CLICK: (1, 8)}),
        (Evidence(rage_clicks=[rage(0, 6)]), {RAGE_CLICK: (1, 16)}),
        (Evidence(rage_clicks=[rage(0, 900)]), {RAGE_CLICK: (1, 24)}),
        (Evidence(errors=errors(1)), {JS_ERROR: (1, 6)}),
        (Evidence(errors=errors(3)), {JS_ERROR: (3, 18)}),
        (Evidence(errors=errors(4)), {JS_ERROR: (4, 20)}),
        (Evidence(calls=failures(1)), {FAILED_CALL: (1, 6)}),
        (Evidence(calls=failures(3)), {FAILED_CALL: (3, 18)}),
        (Evidence(calls=failures(4)), {FAILED_CALL: (4, 18)}),
        (Evidence(calls=[call(0, 2_000)]), {SLOW_CALL: (1, 2)}),
        (Evidence(calls=[call(0, 8_000)]), {SLOW_CALL: (1, 4)}),  # 3.6
        (Evidence(calls=[call(0, 8_000)] * 2), {SLOW_CALL: (2, 7)}),  # 7.2
        (Evidence(calls=[call(0, 2_000)] * 6), {SLOW_CALL: (6, 12)}),
        (Evidence(calls=[call(0, 2_000)] * 7), {SLOW_CALL: (7, 12)}),
        (Evidence(calls=[call(0, 2**31 - 1)] * 3), {SLOW_CALL: (3, 12)}),
        (Evidence(calls=[call(0, 501)]), {}),  # 0.4 of a point
        (Evidence(calls=[call(0, 501)] * 10), {SLOW_CALL: (10, 4)}),
        (Evidence(calls=[call(0, 2_000, 0)]), {FAILED_CALL: (1, 6), SLOW_CALL: (1, 2)}),
        (Evidence(steps=way("/a", "/b", "/a")), {TURNED_BACK: (1, 2)}),
        (Evidence(steps=way(*"ABABAB")), {TURNED_BACK: (4, 8)}),
        (Evidence(steps=way(*"ABABABA")), {TURNED_BACK: (5, 8)}),
        (Evidence(emotions=[feeling(0)]), {FRUSTRATED: (1, 5)}),
        (Evidence(emotions=[feeling(n) for n in range(2)]), {FRUSTRATED: (2, 10)}),
        (Evidence(emotions=[feeling(n) for n in range(3)]), {FRUSTRATED: (3, 10)}),
        (Evidence(clicks=[at(0)], errors=errors(1)), {JS_ERROR: (1, 6), ERROR_AFTER_CLICK: (1, 4)}),
        (Evidence(clicks=[at(0)], errors=errors(3)), {JS_ERROR: (3, 18), ERROR_AFTER_CLICK: (3, 8)}),
    ],
)
def test_every_trouble_costs_its_points_up_to_its_cap(evidence: Evidence, expected: dict[str, tuple[int, int]]) -> None:
    assert costs(evidence) == expected
    assert judged(evidence)[0] == 100 - sum(points for _, points in expected.values())


@pytest.mark.parametrize(
    ("points", "count", "cost"),
    [(0.4, 1, 0), (0.49, 1, 0), (0.5, 1, 1), (0.5, 2, 1), (0.5, 3, 2), (0.3, 5, 2), (0, 9, 0)],
)
def test_points_are_rounded_once_for_all_of_a_kind_and_halves_upwards(points: float, count: int, cost: int) -> None:
    score, issues = judged(Evidence(errors=errors(count)), weighing(JS_ERROR, points, 20))
    assert (score, [issue["points"] for issue in issues]) == (100 - cost, [cost] if cost else [])


@pytest.mark.parametrize(("cap", "cost"), [(0, 0), (5, 5), (6, 6), (7, 6)])
def test_no_kind_costs_more_than_its_cap(cap: int, cost: int) -> None:
    assert judged(Evidence(errors=errors(1)), weighing(JS_ERROR, 6, cap))[0] == 100 - cost


def test_the_worst_session_of_all_scores_0() -> None:
    worst = Evidence(
        [rage(0)] * 99, [at(0)] * 99, errors(99), [call(0, 15_000, 0)] * 99, way(*"AB" * 99), [feeling(0)] * 99
    )
    assert judged(worst)[0] == 100 - sum(weight.cap for weight in WEIGHTS.values()) == 0


def test_what_cost_most_comes_first_and_equals_by_name() -> None:
    evidence = Evidence([rage(0)], [], errors(1), [call(0, 2_000, 500)], way("/a", "/b", "/a"))
    score, issues = judged(evidence)
    assert [(issue["code"], issue["points"]) for issue in issues] == [
        (RAGE_CLICK, 8),
        (FAILED_CALL, 6),
        (JS_ERROR, 6),
        (SLOW_CALL, 2),
        (TURNED_BACK, 2),
    ]
    assert score == 100 - 24


def test_an_issue_says_what_how_often_when_first_and_where() -> None:
    evidence = Evidence(errors=[happening(3, "/b"), happening(1.25, "/c"), happening(2, "/b"), happening(9, None)])
    assert judged(evidence) == (
        80,
        [
            {
                "code": "js_error",
                "count": 4,
                "points": 20,
                "first_at": "2024-01-05T12:00:01.250000Z",
                "screens": ["/b", "/c"],
            }
        ],
    )


@pytest.mark.parametrize(
    ("seconds", "first_at"),
    [(0, "2024-01-05T12:00:00Z"), (1e-6, "2024-01-05T12:00:00.000001Z"), (-86_400, "2024-01-04T12:00:00Z")],
)
def test_the_first_moment_is_in_utc_and_says_so(seconds: float, first_at: str) -> None:
    (issue,) = judged(Evidence(rage_clicks=[rage(60), rage(seconds)]))[1]
    assert issue["first_at"] == first_at


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 40])
def test_an_issue_names_ten_screens_at_most_in_alphabetical_order(count: int) -> None:
    names = [f"/{n:02}" for n in range(count)]
    nowhere = happening(99, None)
    (issue,) = judged(
        Evidence(errors=[nowhere, *(happening(n, name) for n, name in enumerate([*names[::-1], *names]))])
    )[1]
    assert issue["screens"] == names[:10]
    assert issue["count"] == 2 * count + 1


def test_going_back_is_where_and_when_the_person_turned() -> None:
    (issue,) = judged(Evidence(steps=way("/list", "/product", "/list")))[1]
    assert (issue["first_at"], issue["screens"]) == ("2024-01-05T12:00:01Z", ["/product"])


# A click at 0, an error at:  -1 us | 0 ... 2 s | 2 s + 1 us
@pytest.mark.parametrize(
    ("seconds", "follows"), [(-0.000001, False), (0, True), (1.999999, True), (2, True), (2.000001, False)]
)
def test_an_error_follows_a_click_for_two_seconds(seconds: float, follows: bool) -> None:
    evidence = Evidence(clicks=[at(-60), at(0), at(60)], errors=[happening(seconds)])
    assert (ERROR_AFTER_CLICK in costs(evidence)) == follows


def test_an_error_follows_whichever_click_came_last_before_it() -> None:
    evidence = Evidence(clicks=[at(5), at(0), at(9)], errors=[happening(6), happening(3), happening(8.9)])
    assert costs(evidence)[ERROR_AFTER_CLICK] == (1, 4)


# A at 0, B at 5, A again this long after B; how long A lasted before does not count.
@pytest.mark.parametrize(("after_s", "turned"), [(0, True), (9.999999, True), (10, True), (10.000001, False)])
def test_going_back_counts_within_ten_seconds(after_s: float, turned: bool) -> None:
    steps = [happening(-3600, "/a"), happening(5, "/b"), happening(5 + after_s, "/a")]
    assert costs(Evidence(steps=steps)) == ({TURNED_BACK: (1, 2)} if turned else {})


@pytest.mark.parametrize(
    ("screens", "count"),
    [("A", 0), ("AB", 0), ("ABC", 0), ("ABA", 1), ("ABAB", 2), ("ABABA", 3), ("ABCBA", 1), ("ABCA", 0)],
)
def test_every_return_to_the_screen_before_the_last_is_one(screens: str, count: int) -> None:
    assert costs(Evidence(steps=way(*screens))).get(TURNED_BACK, (0, 0))[0] == count


@pytest.mark.parametrize(("latency_ms", "slow"), [(0, False), (499, False), (500, False), (501, True)])
def test_a_call_is_slow_beyond_the_p10(latency_ms: int, slow: bool) -> None:
    evidence = Evidence(calls=[call(n, latency_ms) for n in range(10)])
    assert costs(evidence) == ({SLOW_CALL: (10, 4)} if slow else {})


@pytest.mark.parametrize(
    ("status", "failed"), [(0, True), (1, False), (200, False), (404, False), (499, False), (500, True), (599, True)]
)
def test_a_call_fails_without_a_response_or_from_500_on(status: int, failed: bool) -> None:
    assert (FAILED_CALL in costs(Evidence(calls=[call(0, status=status)]))) == failed


@pytest.mark.parametrize(
    ("emotion", "confidence", "counts"),
    [
        ("frustrated", 0.7999, False),
        ("frustrated", 0.8, True),
        ("frustrated", 1.0, True),
        ("calm", 1.0, False),
        ("Frustrated", 1.0, False),
        ("", 1.0, False),
    ],
)
def test_a_window_was_frustrated_where_its_prediction_says_so_surely(
    emotion: str, confidence: float, counts: bool
) -> None:
    assert (FRUSTRATED in costs(Evidence(emotions=[feeling(0, emotion, confidence)]))) == counts


def test_frustration_is_at_the_start_of_its_window_and_on_the_screen_that_completed_the_evidence() -> None:
    felt = [
        feeling(90, "calm", screen="/c"),
        feeling(60, screen="/b"),
        feeling(30, screen="/d"),
        feeling(99, screen=None),
    ]
    (issue,) = judged(Evidence(emotions=felt))[1]
    assert (issue["count"], issue["first_at"], issue["screens"]) == (3, "2024-01-05T12:00:30Z", ["/b", "/d"])


def test_thresholds_are_those_of_the_policy() -> None:
    evidence = Evidence([], [at(0)], [happening(3)], [call(0, 400)] * 3, way("/a", "/b", "/a", every_s=11))
    evidence.emotions.append(feeling(0, confidence=0.6))
    policy = replace(
        POLICY,
        slow_p10_ms=100,
        slow_median_ms=400,
        back_within_s=11,
        error_after_click_s=3,
        frustrated_confidence=0.6,
    )
    assert costs(evidence) == {JS_ERROR: (1, 6)}
    assert costs(evidence, policy) == {
        JS_ERROR: (1, 6),
        SLOW_CALL: (3, 6),
        ERROR_AFTER_CLICK: (1, 4),
        TURNED_BACK: (1, 2),
        FRUSTRATED: (1, 5),
    }


@pytest.mark.parametrize(("p10", "median"), [(500, 2_000), (1, 2), (1_999, 2_000), (100, 60_000)])
def test_the_log_normal_curve_goes_through_its_two_points(p10: float, median: float) -> None:
    assert log_normal_score(p10, p10, median) == pytest.approx(0.9)
    assert log_normal_score(median, p10, median) == 0.5
    assert log_normal_score(median**2 / p10, p10, median) == pytest.approx(0.1)


def test_the_log_normal_curve_is_that_of_lighthouse() -> None:
    """Interactive, desktop: p10 2,468 ms and median 4,500 ms; points read off its published curve's formula."""
    assert [round(log_normal_score(ms, 2_468, 4_500), 2) for ms in (1_000, 3_000, 6_000)] == [1.0, 0.81, 0.27]


LATENCIES = st.integers(1, 2**31 - 1)


@given(LATENCIES, LATENCIES)
def test_the_log_normal_curve_never_rises(one: int, other: int) -> None:
    fast, slow = sorted((one, other))
    assert 0 <= log_normal_score(slow, 500, 2_000) <= log_normal_score(fast, 500, 2_000) <= 1


SECONDS = st.integers(0, 40).map(lambda n: n / 2) | st.floats(0, 100_000)
SCREENS = st.sampled_from(["/a", "/b", "/ü", None])
HAPPENINGS = st.builds(happening, SECONDS, SCREENS)
CALLS = st.builds(
    call, SECONDS, st.sampled_from([0, 499, 500, 501, 2_000]) | LATENCIES, st.sampled_from([0, 200, 499, 500]), SCREENS
)
FEELINGS = st.builds(feeling, SECONDS, st.sampled_from([FRUSTRATED, "calm"]), st.floats(0, 1), SCREENS)
JOURNEYS = st.lists(HAPPENINGS, max_size=8).map(lambda steps: sorted(steps, key=lambda step: step.time_us))
RAGES = st.builds(rage, SECONDS, st.integers(2, 40), SCREENS)
EVIDENCE = st.builds(
    Evidence,
    st.lists(RAGES, max_size=5),
    st.lists(SECONDS.map(at), max_size=8),
    st.lists(HAPPENINGS, max_size=6),
    st.lists(CALLS, max_size=12),
    JOURNEYS,
    st.lists(FEELINGS, max_size=5),
)
SHARES = st.lists(st.integers(0, 100 // len(WEIGHTS)), min_size=len(WEIGHTS), max_size=len(WEIGHTS))
POLICIES = st.builds(
    lambda points, caps, p10, more, back, after, surely: ScorePolicy(
        {code: Weight(point, cap) for code, point, cap in zip(WEIGHTS, points, caps, strict=True)},
        p10,
        p10 + more,
        back,
        after,
        surely,
    ),
    st.lists(st.floats(0, 100), min_size=len(WEIGHTS), max_size=len(WEIGHTS)),
    SHARES,
    st.integers(1, 5_000),
    st.integers(1, 60_000),
    st.floats(0, 60),
    st.floats(0, 60),
    st.floats(0, 1),
) | st.just(POLICY)


def score_of(evidence: Evidence, policy: ScorePolicy) -> int:
    return judged(evidence, policy)[0]


@given(EVIDENCE, POLICIES)
def test_a_score_is_100_less_its_points_and_between_0_and_100(evidence: Evidence, policy: ScorePolicy) -> None:
    score, issues = judged(evidence, policy)
    assert score == 100 - sum(issue["points"] for issue in issues)
    assert 0 <= score <= 100
    assert [type(number) for number in (score, *(issue["points"] for issue in issues))] == [int] * (1 + len(issues))
    assert all(0 < issue["points"] <= policy.weights[issue["code"]].cap and issue["count"] > 0 for issue in issues)
    assert len({issue["code"] for issue in issues}) == len(issues)


@given(EVIDENCE, POLICIES, HAPPENINGS)
def test_one_more_error_never_raises_the_score(evidence: Evidence, policy: ScorePolicy, bad: Happening) -> None:
    worse = replace(evidence, errors=[*evidence.errors, bad])
    assert score_of(worse, policy) <= score_of(evidence, policy)


@given(EVIDENCE, POLICIES, RAGES, RAGES, st.integers(0, 20))
def test_rage_clicks_that_grow_together_never_raise_the_score(
    evidence: Evidence, policy: ScorePolicy, one: Rage, other: Rage, between: int
) -> None:
    apart = replace(evidence, rage_clicks=[*evidence.rage_clicks, one, other])
    whole = one._replace(click_count=one.click_count + other.click_count + between)
    together = replace(evidence, rage_clicks=[*evidence.rage_clicks, whole])
    least = min(one.click_count, other.click_count)
    policy = replace(policy, clicks_per_rage=least)
    assert score_of(together, policy) <= score_of(apart, policy)


@given(EVIDENCE, POLICIES, RAGES)
def test_one_more_rage_click_never_raises_the_score(evidence: Evidence, policy: ScorePolicy, bad: Rage) -> None:
    worse = replace(evidence, rage_clicks=[*evidence.rage_clicks, bad])
    assert score_of(worse, policy) <= score_of(evidence, policy)


@given(EVIDENCE, POLICIES, CALLS)
def test_one_more_call_never_raises_the_score(evidence: Evidence, policy: ScorePolicy, any_call: Call) -> None:
    more = replace(evidence, calls=[*evidence.calls, any_call])
    assert score_of(more, policy) <= score_of(evidence, policy)


@given(EVIDENCE, POLICIES, FEELINGS)
def test_one_more_prediction_never_raises_the_score(evidence: Evidence, policy: ScorePolicy, any_one: Feeling) -> None:
    more = replace(evidence, emotions=[*evidence.emotions, any_one])
    assert score_of(more, policy) <= score_of(evidence, policy)


@given(EVIDENCE, POLICIES, SECONDS)
def test_one_more_click_never_raises_the_score(evidence: Evidence, policy: ScorePolicy, seconds: float) -> None:
    more = replace(evidence, clicks=[*evidence.clicks, at(seconds)])
    assert score_of(more, policy) <= score_of(evidence, policy)


@given(EVIDENCE, POLICIES, st.integers(0, 11), st.integers(0, 10_000))
def test_a_slower_call_never_raises_the_score(
    evidence: Evidence, policy: ScorePolicy, which: int, more_ms: int
) -> None:
    calls = [c._replace(latency_ms=c.latency_ms + more_ms) if n == which else c for n, c in enumerate(evidence.calls)]
    assert score_of(replace(evidence, calls=calls), policy) <= score_of(evidence, policy)


@given(EVIDENCE, POLICIES, st.randoms(use_true_random=False))
def test_the_order_of_all_but_steps_does_not_matter(evidence: Evidence, policy: ScorePolicy, chance: Any) -> None:
    def shuffled(name: str) -> list[Any]:
        rows = list(getattr(evidence, name))
        chance.shuffle(rows)
        return rows

    lists = {each.name: shuffled(each.name) for each in fields(Evidence) if each.name != "steps"}
    assert score_row(SESSION, replace(evidence, **lists), policy) == score_row(SESSION, evidence, policy)
