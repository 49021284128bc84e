"""``HXI_SCORE_RULES``: weights and thresholds of the experience score, as a JSON object of those that differ."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipeline.scores import WEIGHTS, ScorePolicy, Weight

MOST_POINTS = 100
HOUR_S = 3_600


class WeightRule(BaseModel):
    """What one trouble of a kind costs, and all of that kind at most."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    points: Annotated[float, Field(ge=0, le=MOST_POINTS)]
    cap: Annotated[int, Field(ge=0, le=MOST_POINTS)]


class ScoreRules(BaseModel):
    """Whatever is not said stays as it is in :class:`pipeline.scores.ScorePolicy`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weights: dict[str, WeightRule] = Field(default_factory=dict)
    slow_p10_ms: Annotated[int, Field(ge=1, le=HOUR_S * 1000)] = ScorePolicy().slow_p10_ms
    slow_median_ms: Annotated[int, Field(ge=1, le=HOUR_S * 1000)] = ScorePolicy().slow_median_ms
    back_within_s: Annotated[float, Field(ge=0, le=HOUR_S)] = ScorePolicy().back_within_s
    error_after_click_s: Annotated[float, Field(ge=0, le=HOUR_S)] = ScorePolicy().error_after_click_s
    frustrated_confidence: Annotated[float, Field(ge=0, le=1)] = ScorePolicy().frustrated_confidence

    @model_validator(mode="after")
    def _makes_sense(self) -> "ScoreRules":
        if unknown := self.weights.keys() - WEIGHTS.keys():
            raise ValueError(f"weights: {', '.join(sorted(unknown))} is none of {', '.join(WEIGHTS)}")
        caps = sum(weight.cap for weight in self._weights().values())
        if caps > MOST_POINTS:
            raise ValueError(f"the caps add up to {caps}: a score could fall below 0")
        if self.slow_p10_ms >= self.slow_median_ms:
            raise ValueError("slow_p10_ms has to be below slow_median_ms")
        return self

    def policy(self) -> ScorePolicy:
        """Return the whole of it."""
        return ScorePolicy(
            self._weights(),
            self.slow_p10_ms,
            self.slow_median_ms,
            self.back_within_s,
            self.error_after_click_s,
            self.frustrated_confidence,
        )

    def _weights(self) -> dict[str, Weight]:
        return {**WEIGHTS, **{code: Weight(rule.points, rule.cap) for code, rule in self.weights.items()}}
