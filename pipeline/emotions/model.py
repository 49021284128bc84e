"""The model that emotions are judged by: multinomial logistic regression on features and their squares, as JSON."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import ValidationError

from pipeline.emotions.columns import Floats, Ints
from pipeline.emotions.features import Remembered
from pipeline.emotions.measures import FEATURES, RATIOS
from schema.emotion_model import EMOTIONS, FORMAT, EmotionModelFile

MOST_DEVIATIONS: Final = 4.0
"""A feature further from its mean than so many standard deviations counts as that far: no outlier decides alone."""


@dataclass(frozen=True, slots=True)
class EmotionModel:
    """A trained model.

    Attributes:
        version: Its name and a digest of its file: another training is another version.
        average: Each feature of an average person, from which :meth:`Remembered.features` are counted.
        mean: Of each feature over the windows trained on.
        deviation: Its standard deviation there.
        linear: Weight of each standardised feature (rows) for each emotion (columns).
        square: Weight of its square less 1.
        intercept: Of each emotion.
    """

    version: str
    average: Floats
    mean: Floats
    deviation: Floats
    linear: Floats
    square: Floats
    intercept: Floats

    @classmethod
    def load(cls, path: Path) -> "EmotionModel":
        """Read the model in a file.

        Raises:
            ValueError: the file cannot be read, or holds no model for these features and emotions.
        """
        try:
            return cls.parse(path.read_text("utf-8"))
        except OSError as error:
            raise ValueError(f"{path} cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise ValueError(f"{path} holds no emotion model: {error}") from None

    @classmethod
    def parse(cls, text: str) -> "EmotionModel":
        """Return the model that :meth:`dump` wrote.

        Raises:
            ValueError: the text is no model, or one for other features or emotions.
        """
        try:
            file = EmotionModelFile.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = "".join(f"{part}: " for part in first["loc"])
            raise ValueError(f"{where}{first['msg']}") from None
        if (file.format, file.emotions, tuple(file.features)) != (FORMAT, EMOTIONS, FEATURES):
            raise ValueError("it was trained for another version of HXI; train it again")
        for name in RATIOS:
            if file.features[name].average <= 0:
                raise ValueError(f"features: {name}: average: Input should be greater than 0")
        columns = {key: np.array([getattr(file.features[name], key) for name in FEATURES]) for key in _OF_FEATURES}
        version = f"{file.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
        return cls(version, **columns, intercept=np.array(file.intercept))

    def dump(self) -> str:
        """Return the model as JSON, for people too: a line for each feature."""
        columns = [getattr(self, key) for key in _OF_FEATURES]
        rows = zip(FEATURES, *(column.tolist() for column in columns), strict=True)
        lines = [
            f"  {json.dumps(name)}: {json.dumps(dict(zip(_OF_FEATURES, row, strict=True)))}" for name, *row in rows
        ]
        name = self.version.rpartition("-")[0]
        head = {"format": FORMAT, "name": name, "emotions": EMOTIONS, "intercept": self.intercept.tolist()}
        return json.dumps(head)[:-1] + ', "features": {\n' + ",\n".join(lines) + "\n}}\n"

    def standardised(self, remembered: Remembered) -> Floats:
        """Return features in standard deviations from their mean, a row for each window."""
        away = (remembered.features(self.average) - self.mean) / self.deviation
        return np.clip(away, -MOST_DEVIATIONS, MOST_DEVIATIONS)

    def probabilities(self, standardised: Floats) -> Floats:
        """Return the probability of each emotion, a row for each window."""
        logits = standardised @ self.linear + (standardised**2 - 1) @ self.square + self.intercept
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    def weights(self, standardised: Floats, emotion: Ints) -> Floats:
        """Return how far each feature speaks for the emotion of its window: log odds against the emotions' mean."""
        linear, square = (each - each.mean(axis=1, keepdims=True) for each in (self.linear, self.square))
        return np.asarray(standardised * linear.T[emotion] + (standardised**2 - 1) * square.T[emotion])


_OF_FEATURES: Final = ("average", "mean", "deviation", "linear", "square")


@cache
def default_model() -> EmotionModel:
    """Return the model that comes with HXI."""
    return EmotionModel.parse(files("pipeline.emotions").joinpath("model.json").read_text("utf-8"))
