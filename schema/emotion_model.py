"""The file of an emotion model, as ``hxi train-emotions`` writes it and ``HXI_EMOTION_MODEL`` names it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

EMOTIONS = ("neutral", "engaged", "bored", "confused", "frustrated")

FORMAT = 1

MOST = 1e6
"""No number of a sensible model is larger; sums of such numbers stay finite."""

LEAST_DEVIATION = 1e-6

Number = Annotated[float, Field(strict=True, ge=-MOST, le=MOST, allow_inf_nan=False)]
OfEmotions = Annotated[list[Number], Field(min_length=len(EMOTIONS), max_length=len(EMOTIONS))]


class FeatureNumbers(BaseModel):
    """What a model knows of one feature; weights in the order of the emotions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    average: Number
    mean: Number
    deviation: Annotated[Number, Field(ge=LEAST_DEVIATION)]
    linear: OfEmotions
    square: OfEmotions


class EmotionModelFile(BaseModel):
    """A model, feature by feature."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    name: Annotated[str, Field(strict=True, min_length=1, max_length=100)]
    emotions: tuple[str, ...]
    intercept: OfEmotions
    features: dict[str, FeatureNumbers]
