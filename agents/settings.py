"""Settings from the environment, checked once at the start.

Every name is ``HXI_`` and the field's name in capitals. An unknown name or a wrong value is
an error that says which, because a misspelt setting that silently does nothing is worse.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    Json,
    ValidationError,
    field_validator,
    model_validator,
)

from agents.database_settings import DatabaseSettings
from agents.hosts import is_host
from agents.kafka_settings import KafkaSettings
from agents.limit_rules import MOST, LimitRules
from agents.logs import LogFormat
from agents.privacy_rules import PrivacyRules
from agents.retention_rules import RetentionRules
from agents.score_rules import ScoreRules
from pipeline.emotions import EmotionModel, default_model
from pipeline.fold import FoldPolicy
from pipeline.rage_clicks import PRESETS, Metric, RageRule
from pipeline.tidy import DecodePolicy

PREFIX = "HXI_"
TEST_PREFIX = "HXI_TEST_"
"""Names that the test suite reads and no worker does."""

HOUR_MS = 3_600_000
TEN_YEARS_S = 10 * 365 * 24 * 3600


class SettingsError(Exception):
    """One or more settings are unknown or wrong; the text names each."""


def _loaded(path: str) -> EmotionModel:
    return EmotionModel.load(Path(path))


def _host(text: str) -> str:
    if not is_host(text):
        raise ValueError("is neither an IP address nor the name of a host")
    return text


class Settings(KafkaSettings, DatabaseSettings, LimitRules, PrivacyRules, RetentionRules):
    """All settings, with their defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    app_id: str = Field("hxi-pipeline", pattern=r"^[A-Za-z0-9._-]{1,100}$")
    events_topic: str = Field("ui-events", pattern=r"^[A-Za-z0-9._-]{1,249}$")
    replay_topic: str = Field("session-replay", pattern=r"^[A-Za-z0-9._-]{1,249}$")
    dead_letter_topic: str = Field("ui-events-dead-letter", pattern=r"^[A-Za-z0-9._-]{1,249}$")
    topic_partitions: int = Field(8, ge=1, le=10_000)
    web_host: Annotated[str, AfterValidator(_host)] = "127.0.0.1"
    web_port: int = Field(6066, ge=0, le=65535)
    health_stuck_after_s: float = Field(120, ge=1, le=86_400)
    flush_interval_s: float = Field(0.5, ge=0.01, le=60)
    session_timeout_s: float = Field(1800, ge=1, le=TEN_YEARS_S)
    allowed_lateness_s: float = Field(3600, ge=1, le=TEN_YEARS_S)
    max_clock_skew_s: float = Field(60, ge=0, le=TEN_YEARS_S)
    rage_preset: str = "hxi"
    rage_min_clicks: int | None = Field(None, ge=2, le=MOST)
    rage_max_gap_ms: int | None = Field(None, ge=0, le=HOUR_MS)
    rage_window_ms: int | None = Field(None, ge=0, le=HOUR_MS)
    rage_radius_px: float | None = Field(None, ge=0, le=1_000_000)
    rage_metric: Metric | None = None
    rage_same_element: bool | None = None
    rage_ignore_elements: str = ""
    heatmap_cell_px: int = Field(10, ge=1, le=MOST)
    apdex_t_ms: int = Field(500, ge=1, le=500_000_000)
    score_rules: Json[ScoreRules] = Field(default_factory=ScoreRules)
    emotion_model: Annotated[InstanceOf[EmotionModel], BeforeValidator(_loaded)] | None = None
    data_dir: Path = Path(".hxi")
    log_format: LogFormat = "auto"

    @field_validator("rage_preset")
    @classmethod
    def _is_a_preset(cls, value: str) -> str:
        if value not in PRESETS:
            raise ValueError(f"is none of {', '.join(PRESETS)}")
        return value

    @model_validator(mode="after")
    def _topics_differ(self) -> Self:
        if len({self.events_topic, self.replay_topic, self.dead_letter_topic}) < 3:
            raise ValueError("HXI_EVENTS_TOPIC, HXI_REPLAY_TOPIC and HXI_DEAD_LETTER_TOPIC have to differ")
        return self

    @model_validator(mode="after")
    def _retention_lets_sessions_end(self) -> Self:
        if problem := self.retention_problem(self.session_timeout_s + self.allowed_lateness_s):
            raise ValueError(problem)
        return self

    def decode_policy(self) -> DecodePolicy:
        """Return what decoding needs of these settings."""
        return DecodePolicy(self.max_clock_skew_s, self.privacy_policy(), self.limits())

    def fold_policy(self) -> FoldPolicy:
        """Return what results need of these settings."""
        rage = self._rage_rule()
        scores = replace(self.score_rules.policy(), clicks_per_rage=rage.min_clicks)
        return FoldPolicy(
            rage,
            self.heatmap_cell_px,
            self.apdex_t_ms,
            scores,
            self.emotion_model or default_model(),
            self.limits().window_keys,
        )

    def _rage_rule(self) -> RageRule:
        overrides: dict[str, Any] = {
            "min_clicks": self.rage_min_clicks,
            "max_gap_ms": self.rage_max_gap_ms,
            "window_ms": self.rage_window_ms,
            "radius_px": self.rage_radius_px,
            "metric": self.rage_metric,
            "same_element": self.rage_same_element,
        }
        patterns = tuple(pattern.strip() for pattern in self.rage_ignore_elements.split(","))
        return replace(
            PRESETS[self.rage_preset],
            ignore_elements=tuple(pattern for pattern in patterns if pattern),
            **{name: value for name, value in overrides.items() if value is not None},
        )


def load_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings in ``environment``; an empty value counts as not set.

    What libpq reads of it, ``PGSSL…``, is looked at too.

    Raises:
        SettingsError: a name is unknown or a value wrong.
    """
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX) and not name.startswith(TEST_PREFIX) and value != ""
    }
    try:
        return Settings.model_validate(given, context=environment)
    except ValidationError as error:
        problems = [_sentence(item["loc"], item["type"], item["msg"]) for item in error.errors()]
        raise SettingsError("; ".join(problems)) from None


def _sentence(location: tuple[int | str, ...], kind: str, message: str) -> str:
    if not location:
        return message.removeprefix("Value error, ")
    name = PREFIX + str(location[0]).upper()
    if kind == "extra_forbidden" and len(location) == 1:
        return f"{name} is not a setting of this version (see the README)"
    within = "".join(f"{part}: " for part in location[1:])
    return f"{name} is wrong: {within}{message.removeprefix('Value error, ')}"
