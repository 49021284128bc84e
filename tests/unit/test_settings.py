"""Settings come from the environment, with the contract's defaults, and a wrong one is named."""

from copy import copy
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from agents.limit_rules import LimitRules
from agents.retention_rules import RetentionRules
from agents.settings import Settings, SettingsError, load_settings
from pipeline.emotions import EmotionModel, default_model
from pipeline.fold import FoldPolicy
from pipeline.limits import Limits
from pipeline.privacy import PrivacyPolicy
from pipeline.rage_clicks import PRESETS, RageRule
from pipeline.scores import WEIGHTS, ScorePolicy, Weight
from pipeline.sinks.retention import RetentionPolicy
from pipeline.tidy import DecodePolicy

KEY = "a key of some length"

CONTRACT: dict[str, Any] = {
    "HXI_KAFKA_BOOTSTRAP": "localhost:9092",
    "HXI_DATABASE_URL": "postgresql://localhost:5432/hxi_dashboard",
    "HXI_APP_ID": "hxi-pipeline",
    "HXI_EVENTS_TOPIC": "ui-events",
    "HXI_REPLAY_TOPIC": "session-replay",
    "HXI_DEAD_LETTER_TOPIC": "ui-events-dead-letter",
    "HXI_TOPIC_PARTITIONS": 8,
    "HXI_WEB_HOST": "127.0.0.1",
    "HXI_WEB_PORT": 6066,
    "HXI_FLUSH_INTERVAL_S": 0.5,
    "HXI_SESSION_TIMEOUT_S": 1800,
    "HXI_ALLOWED_LATENESS_S": 3600,
    "HXI_MAX_CLOCK_SKEW_S": 60,
    "HXI_RAGE_PRESET": "hxi",
    "HXI_RAGE_MIN_CLICKS": None,
    "HXI_RAGE_MAX_GAP_MS": None,
    "HXI_RAGE_WINDOW_MS": None,
    "HXI_RAGE_RADIUS_PX": None,
    "HXI_RAGE_METRIC": None,
    "HXI_RAGE_SAME_ELEMENT": None,
    "HXI_RAGE_IGNORE_ELEMENTS": "",
    "HXI_HEATMAP_CELL_PX": 10,
    "HXI_DATA_DIR": Path(".hxi"),
}


def field(name: str) -> str:
    """Return the attribute behind a setting's name."""
    return name.removeprefix("HXI_").lower()


def complaint(**environment: str) -> str:
    """Return what is said of a wrong environment."""
    with pytest.raises(SettingsError) as caught:
        load_settings(environment)
    return str(caught.value)


@pytest.mark.parametrize("name", CONTRACT)
def test_defaults_are_the_contracts(name: str) -> None:
    assert getattr(load_settings({}), field(name)) == CONTRACT[name]


def test_other_settings_than_the_contracts_have_the_names_of_what_they_are_about() -> None:
    others = Settings.model_fields.keys() - {field(name) for name in CONTRACT}
    about = {"privacy", "limit", "apdex", "score", "emotion", "kafka", "database", "log", "health", "retention"}
    assert {name.split("_")[0] for name in others} <= about


def test_other_variables_of_the_environment_are_none_of_our_business() -> None:
    assert load_settings({"PATH": "/bin", "XHXI_APP_ID": "x", "hxi": "?"}) == load_settings({})


def test_an_empty_value_counts_as_not_set() -> None:
    assert load_settings({"HXI_WEB_PORT": "", "HXI_APP_ID": ""}) == load_settings({})


@pytest.mark.parametrize("name", ["HXI_APPID", "HXI_SESSION_TIMEOUT", "HXI_"])
def test_an_unknown_setting_is_named(name: str) -> None:
    assert complaint(**{name: "x"}).startswith(f"{name} is not a setting")


UNBOUNDED = ("SESSION_EVENTS", "SESSION_ACTIONS", "DEVICE_SESSIONS_PER_S", "WINDOW_KEYS")

# fmt: off
WRONG = [
    ("HXI_LOG_FORMAT", "xml"), ("HXI_WEB_PORT", "http"), ("HXI_WEB_PORT", "-1"), ("HXI_WEB_PORT", "65536"),
    ("HXI_TOPIC_PARTITIONS", "0"), ("HXI_TOPIC_PARTITIONS", "1.5"), ("HXI_TOPIC_PARTITIONS", "10001"),
    *(("HXI_WEB_HOST", host) for host in ("*", "a b", "http://a", "a:1", "[::1]", "1.2.3", "256.1.1.1", "-a", "a..b")),
    ("HXI_WEB_HOST", "a" * 64), ("HXI_WEB_HOST", "a." * 127), ("HXI_WEB_HOST", "h\nb"),
    ("HXI_FLUSH_INTERVAL_S", "0.0099"), ("HXI_FLUSH_INTERVAL_S", "60.1"), ("HXI_FLUSH_INTERVAL_S", "nan"),
    ("HXI_SESSION_TIMEOUT_S", "0.999"), ("HXI_SESSION_TIMEOUT_S", "an hour"),
    ("HXI_ALLOWED_LATENESS_S", "-1"), ("HXI_ALLOWED_LATENESS_S", "1e-300"), ("HXI_MAX_CLOCK_SKEW_S", "-0.1"),
    ("HXI_RAGE_PRESET", "angry"), ("HXI_RAGE_METRIC", "miles"), ("HXI_RAGE_MIN_CLICKS", "1"),
    ("HXI_RAGE_MAX_GAP_MS", "-1"), ("HXI_RAGE_MAX_GAP_MS", "3600001"), ("HXI_RAGE_WINDOW_MS", "3600001"),
    ("HXI_RAGE_RADIUS_PX", "nan"), ("HXI_RAGE_RADIUS_PX", "inf"), ("HXI_RAGE_RADIUS_PX", "1000000.5"),
    ("HXI_HEATMAP_CELL_PX", "0"), ("HXI_HEATMAP_CELL_PX", "2147483648"), ("HXI_RAGE_MIN_CLICKS", "2147483648"),
    *((f"HXI_LIMIT_{name}", "1" + "0" * 23) for name in ("RECORD_BYTES", "BATCH_EVENTS", "METADATA_BYTES")),
    *((f"HXI_LIMIT_{name}", "2147483648") for name in UNBOUNDED), *((f"HXI_LIMIT_{name}", "0") for name in UNBOUNDED),
    ("HXI_APDEX_T_MS", "0"),
    ("HXI_APP_ID", "my app"), ("HXI_APP_ID", "a" * 101), ("HXI_EVENTS_TOPIC", "ui/events"),
    ("HXI_EVENTS_TOPIC", "t" * 250),
    ("HXI_KAFKA_BOOTSTRAP", "localhost"), ("HXI_KAFKA_BOOTSTRAP", ":9092"), ("HXI_KAFKA_BOOTSTRAP", "a:1,b"),
    ("HXI_KAFKA_BOOTSTRAP", "a:0"), ("HXI_KAFKA_BOOTSTRAP", "a:65536"), ("HXI_KAFKA_BOOTSTRAP", "a:٣"),
    ("HXI_KAFKA_BOOTSTRAP", "PLAINTEXT://a:1"), ("HXI_KAFKA_BOOTSTRAP", "a b:1"),
    ("HXI_KAFKA_BOOTSTRAP", "a:" + "1" * 5000),
    ("HXI_PRIVACY_IP_ADDRESS", "maybe"), ("HXI_PRIVACY_URL_QUERY", "mask"), ("HXI_PRIVACY_FREE_TEXT", "drop"),
]
RIGHT = [
    ("HXI_WEB_PORT", "0", 0), ("HXI_WEB_PORT", "65535", 65535),
    ("HXI_TOPIC_PARTITIONS", "1", 1), ("HXI_TOPIC_PARTITIONS", "10000", 10_000),
    ("HXI_FLUSH_INTERVAL_S", "60", 60), ("HXI_FLUSH_INTERVAL_S", "0.01", 0.01),
    ("HXI_SESSION_TIMEOUT_S", "1", 1), ("HXI_ALLOWED_LATENESS_S", "1", 1),
    *((f"HXI_LIMIT_{name}", "2147483647", 2**31 - 1) for name in UNBOUNDED), ("HXI_HEATMAP_CELL_PX", "1", 1),
    *(("HXI_WEB_HOST", host, host) for host in ("::", "fe80::1%eth0", "0.0.0.0", "localhost", "a_1-b.example.com.")),
    ("HXI_MAX_CLOCK_SKEW_S", "0", 0),
    ("HXI_APP_ID", "a" * 100, "a" * 100), ("HXI_EVENTS_TOPIC", "t" * 249, "t" * 249),
    ("HXI_RAGE_MIN_CLICKS", "2", 2), ("HXI_RAGE_RADIUS_PX", "29.999", 29.999), ("HXI_RAGE_SAME_ELEMENT", "yes", True),
    ("HXI_RAGE_MAX_GAP_MS", "0", 0), ("HXI_RAGE_MAX_GAP_MS", "3600000", 3_600_000), ("HXI_APDEX_T_MS", "1", 1),
    ("HXI_KAFKA_BOOTSTRAP", "a:1, [::1]:2", "a:1, [::1]:2"),
    ("HXI_DATA_DIR", "/var/lib/hxi", Path("/var/lib/hxi")),
]
# fmt: on


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_refused_and_its_setting_named(name: str, value: str) -> None:
    assert complaint(**{name: value}).startswith(f"{name} is wrong: ")


@pytest.mark.parametrize(("name", "value", "parsed"), RIGHT)
def test_a_value_at_its_bound_is_taken(name: str, value: str, parsed: Any) -> None:
    assert getattr(load_settings({name: value}), field(name)) == parsed


def test_every_problem_is_named_at_once() -> None:
    problems = complaint(HXI_WEB_PORT="x", HXI_COLOUR="red", HXI_HEATMAP_CELL_PX="0").split("; ")
    assert [problem.split()[0] for problem in problems] == ["HXI_WEB_PORT", "HXI_HEATMAP_CELL_PX", "HXI_COLOUR"]


def test_the_decode_policy_follows_the_settings() -> None:
    assert load_settings({}).decode_policy() == DecodePolicy(60, PrivacyPolicy())
    changed = {
        "MAX_CLOCK_SKEW_S": "5",
        "PRIVACY_IP_ADDRESS": "drop",
        "PRIVACY_URL_QUERY": "keep",
        "PRIVACY_FREE_TEXT": "keep",
        "PRIVACY_USER_EMAIL": "hash",
        "PRIVACY_EMAIL_KEY": KEY,
        "PRIVACY_REPLAY": "mask_text",
        "LIMIT_BATCH_EVENTS": "7",
    }
    settings = load_settings({f"HXI_{name}": value for name, value in changed.items()})
    policy = PrivacyPolicy("drop", "keep", frozenset(), "keep", "hash", KEY.encode(), "mask_text")
    assert settings.decode_policy() == DecodePolicy(5, policy, Limits(batch_events=7))
    assert KEY not in repr(settings) + repr(policy)
    allowing = load_settings({"HXI_PRIVACY_URL_QUERY_ALLOW": "utm_source, page id,"}).privacy_policy()
    assert allowing.url_query_allow == {"utm_source", "page id"}


def test_every_limit_has_a_setting_with_its_default() -> None:
    assert load_settings({}).limits() == Limits()
    assert len(LimitRules.model_fields) == len(fields(Limits))


def test_nothing_is_removed_unless_a_setting_says_so() -> None:
    assert load_settings({}).retention_policy() == RetentionPolicy()
    days = {
        f"HXI_RETENTION_{name}_DAYS": str(n) for n, name in enumerate(("REPLAYS", "EVENTS", "SESSIONS", "ROLLUPS"), 2)
    }
    assert load_settings(days).retention_policy() == RetentionPolicy(
        replays_days=2, events_days=3, sessions_days=4, rollups_days=5
    )
    assert {f"retention_{field.name}" for field in fields(RetentionPolicy)} == {*RetentionRules.model_fields}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"EVENTS": "0"}, "HXI_RETENTION_EVENTS_DAYS is wrong"),
        ({"EVENTS": "1.5"}, "HXI_RETENTION_EVENTS_DAYS is wrong"),
        ({"ROLLUPS": "36501"}, "HXI_RETENTION_ROLLUPS_DAYS is wrong"),
        ({"EVENTS": "8", "SESSIONS": "7"}, "HXI_RETENTION_EVENTS_DAYS is longer than HXI_RETENTION_SESSIONS_DAYS"),
        ({"REPLAYS": "8", "SESSIONS": "7"}, "HXI_RETENTION_REPLAYS_DAYS is longer than HXI_RETENTION_SESSIONS_DAYS"),
        ({"EMOTIONS": "8", "SESSIONS": "7"}, "HXI_RETENTION_EMOTIONS_DAYS is longer than HXI_RETENTION_SESSIONS_DAYS"),
    ],
)
def test_a_retention_that_cannot_be_is_refused(given: dict[str, str], said: str) -> None:
    assert complaint(**{f"HXI_RETENTION_{name}_DAYS": days for name, days in given.items()}).startswith(said)


@pytest.mark.parametrize("kind", ["REPLAYS", "EVENTS", "SESSIONS", "ROLLUPS", "HEATMAP_POINTS"])
def test_what_may_be_added_to_is_never_old(kind: str) -> None:
    alive = {"HXI_ALLOWED_LATENESS_S": str(2 * 86_400 - 1800)}
    assert "has to exceed" in complaint(**alive, **{f"HXI_RETENTION_{kind}_DAYS": "2"})
    assert load_settings(alive | {f"HXI_RETENTION_{kind}_DAYS": "3"}).retention_policy() != RetentionPolicy()


def test_the_key_for_addresses_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    given = {"HXI_PRIVACY_USER_EMAIL": "hash", "HXI_PRIVACY_EMAIL_KEY_FILE": str(file)}
    assert load_settings(given).privacy_policy().email_key == KEY.encode()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"USER_EMAIL": "hash"}, "needs a key of 16 characters or more"),
        ({"USER_EMAIL": "hash", "EMAIL_KEY": "too short"}, "needs a key of 16 characters or more"),
        ({"USER_EMAIL": "hash", "EMAIL_KEY": "0123456789abcdef", "EMAIL_KEY_FILE": __file__}, "KEY_FILE is wrong"),
        ({"EMAIL_KEY": "0123456789abcdef"}, "HXI_PRIVACY_USER_EMAIL is not hash"),
        ({"URL_QUERY": "keep", "URL_QUERY_ALLOW": "q"}, "keeps every parameter"),
        (
            {"USER_EMAIL": "hash", "EMAIL_KEY_FILE": "/nowhere"},
            "HXI_PRIVACY_EMAIL_KEY_FILE is wrong: names a file that cannot be read",
        ),
    ],
)
def test_hashing_without_a_key_is_an_error_that_keeps_the_key_to_itself(given: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        load_settings({f"HXI_PRIVACY_{name}": value for name, value in given.items()})
    assert given.get("EMAIL_KEY", "\0") not in str(caught.value)


def test_the_fold_policy_is_the_preset_with_single_values_overridden() -> None:
    assert load_settings({}).fold_policy() == FoldPolicy(PRESETS["hxi"], 10, 500)
    for name, rule in PRESETS.items():
        assert load_settings({"HXI_RAGE_PRESET": name}).fold_policy().rage == rule
    changed = {
        "RAGE_PRESET": "amplitude",
        "RAGE_WINDOW_MS": "0",
        "RAGE_RADIUS_PX": "12.5",
        "RAGE_SAME_ELEMENT": "no",
        "RAGE_IGNORE_ELEMENTS": " qty-* ,, carousel-?",
        "HEATMAP_CELL_PX": "16",
        "APDEX_T_MS": "300",
    }
    policy = load_settings({f"HXI_{name}": value for name, value in changed.items()}).fold_policy()
    rule = RageRule(4, 999, 0, 12.5, "box", same_element=False, ignore_elements=("qty-*", "carousel-?"))
    assert policy == FoldPolicy(rule, 16, 300, ScorePolicy(clicks_per_rage=rule.min_clicks))


def score_policy(rules: str) -> ScorePolicy:
    """Return what scoring follows under these rules."""
    return load_settings({"HXI_SCORE_RULES": rules}).fold_policy().scores


def test_scores_follow_the_default_rules_unless_told_otherwise() -> None:
    assert load_settings({}).fold_policy().scores == ScorePolicy()
    assert score_policy("{}") == ScorePolicy()


def test_one_weight_can_be_changed_and_all_others_stay() -> None:
    changed = score_policy('{"weights": {"js_error": {"points": 2.5, "cap": 10}}}')
    assert changed == ScorePolicy({**WEIGHTS, "js_error": Weight(2.5, 10)})


def test_thresholds_of_scores_can_be_changed() -> None:
    rules = '{"slow_p10_ms": 300, "slow_median_ms": 900, "back_within_s": 4.5, "error_after_click_s": 0,'
    rules += ' "frustrated_confidence": 0.5}'
    assert score_policy(rules) == ScorePolicy(WEIGHTS, 300, 900, 4.5, 0, 0.5)


# fmt: off
WRONG_RULES = [
    ("{", "Invalid JSON"), ("[]", "valid dictionary"), ("5", "valid dictionary"), ("null", "valid dictionary"),
    ('{"slow_median_ms": 3600001}', "slow_median_ms: "), ('{"slow_p10_ms": 100000000000000000}', "slow_p10_ms: "),
    ('{"back_within_s": Infinity}', "back_within_s: "), ('{"error_after_click_s": 3600.5}', "error_after_click_s: "),
    ('{"slow_p10": 3}', "slow_p10: "), ('{"colour": "red"}', "colour: "),
    ('{"weights": []}', "weights: "),
    ('{"weights": {"js_error": {"points": 1}}}', "weights: js_error: cap: "),
    ('{"weights": {"js_error": {"points": 1, "cap": 2, "floor": 3}}}', "weights: js_error: floor: "),
    ('{"weights": {"js_error": {"points": -0.1, "cap": 2}}}', "weights: js_error: points: "),
    ('{"weights": {"js_error": {"points": 100.1, "cap": 2}}}', "weights: js_error: points: "),
    ('{"weights": {"js_error": {"points": NaN, "cap": 2}}}', "weights: js_error: points: "),
    ('{"weights": {"js_error": {"points": 1, "cap": -1}}}', "weights: js_error: cap: "),
    ('{"weights": {"js_error": {"points": 1, "cap": 2.5}}}', "weights: js_error: cap: "),
    ('{"weights": {"js_error": {"points": 1, "cap": 101}}}', "weights: js_error: cap: "),
    ('{"weights": {"sadness": {"points": 1, "cap": 2}}}', "weights: sadness is none of rage_click, js_error, "),
    ('{"weights": {"js_error": {"points": 1, "cap": 21}}}', "the caps add up to 101: "),
    ('{"slow_p10_ms": 0}', "slow_p10_ms: "), ('{"slow_median_ms": 1.5}', "slow_median_ms: "),
    ('{"slow_p10_ms": 2000}', "slow_p10_ms has to be below slow_median_ms"),
    ('{"slow_p10_ms": 2001}', "slow_p10_ms has to be below slow_median_ms"),
    ('{"slow_median_ms": 500}', "slow_p10_ms has to be below slow_median_ms"),
    ('{"back_within_s": -0.1}', "back_within_s: "), ('{"error_after_click_s": -1}', "error_after_click_s: "),
    ('{"frustrated_confidence": -0.01}', "frustrated_confidence: "),
    ('{"frustrated_confidence": 1.01}', "frustrated_confidence: "),
    ('{"frustrated_confidence": NaN}', "frustrated_confidence: "),
]
RULES_AT_THEIR_BOUNDS = [
    '{"weights": {"js_error": {"points": 100, "cap": 20}}}', '{"weights": {"js_error": {"points": 0, "cap": 0}}}',
    '{"slow_p10_ms": 1999}', '{"slow_p10_ms": 1, "slow_median_ms": 2}',
    '{"back_within_s": 0}', '{"error_after_click_s": 0}',
    '{"frustrated_confidence": 0}', '{"frustrated_confidence": 1}',
]
# fmt: on


@pytest.mark.parametrize(("rules", "said"), WRONG_RULES)
def test_wrong_score_rules_are_refused_and_what_is_wrong_is_named(rules: str, said: str) -> None:
    prefix, _, problem = complaint(HXI_SCORE_RULES=rules).partition("HXI_SCORE_RULES is wrong: ")
    assert prefix == ""
    assert said in problem


@pytest.mark.parametrize("rules", RULES_AT_THEIR_BOUNDS)
def test_score_rules_at_their_bounds_are_taken(rules: str) -> None:
    assert score_policy(rules) != ScorePolicy()


def test_emotions_are_judged_by_the_model_that_comes_with_hxi_unless_told_otherwise() -> None:
    assert load_settings({"HXI_EMOTION_MODEL": ""}).fold_policy().emotions is default_model()


def test_another_model_is_loaded_from_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other, asked = copy(default_model()), tmp_path / "other.model"
    models = {asked: other}
    monkeypatch.setattr(EmotionModel, "load", models.__getitem__)
    assert load_settings({"HXI_EMOTION_MODEL": str(asked)}).fold_policy().emotions is other


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff" * 100, b"[" * 100])
def test_a_file_that_is_no_model_is_refused_at_the_start(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "some.model"
    if content is not None:
        file.write_bytes(content)
    assert complaint(HXI_EMOTION_MODEL=str(file)).startswith("HXI_EMOTION_MODEL is wrong: ")


@pytest.mark.parametrize("servers", ["anna:s3cret@kafka:9092", "kafka:9092,SASL://anna:s3cret@b:1", "s3cret@kafka"])
def test_a_password_among_the_brokers_is_refused_and_not_repeated(servers: str) -> None:
    said = complaint(HXI_KAFKA_BOOTSTRAP=servers)
    assert said.startswith(
        "HXI_KAFKA_BOOTSTRAP is wrong: has an @ in it: name and password go into HXI_KAFKA_SASL_USER"
    )
    assert "s3cret" not in said


def test_several_brokers_are_told_apart() -> None:
    assert load_settings({"HXI_KAFKA_BOOTSTRAP": "a:1, b:2"}).bootstrap_servers() == ["a:1", "b:2"]


def test_topics_have_to_differ() -> None:
    with pytest.raises(SettingsError, match="HXI_REPLAY_TOPIC and HXI_DEAD_LETTER_TOPIC have to differ"):
        load_settings({"HXI_DEAD_LETTER_TOPIC": "ui-events"})
