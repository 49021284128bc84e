"""The model that emotions are judged by: multinomial logistic regression on features and their squares, as JSON."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np

from pipeline.emotions.columns import Floats, Ints
from pipeline.emotions.features import Remembered
from pipeline.emotions.measures import FEATURES

EMOTIONS: Final = ("neutral", "engaged", "bored", "confused", "frustrated")

MOST_DEVIATIONS: Final = 4.0
"""A feature further from its mean than so many standard deviations counts as that far: no outlier decides alone."""

FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class EmotionModel:
    """A trained model.

    Attributes:
        version: Its name and a digest of all its numbers: another training is another version.
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
            model = json.loads(text)
            name, features, intercept = model["name"], model["features"], model["intercept"]
            if model["format"] != FORMAT or model["emotions"] != list(EMOTIONS) or list(features) != list(FEATURES):
                raise ValueError("it was trained for another version of HXI; train it again")
            columns = {key: np.array([features[each][key] for each in FEATURES], np.float64) for key in _OF_FEATURES}
            parsed = cls(_version(name, text), **columns, intercept=np.array(intercept, np.float64))
        except (KeyError, TypeError) as error:
            raise ValueError(f"something is missing or of another kind: {error}") from None
        parsed._check()
        return parsed

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

    def _check(self) -> None:
        shapes = {"linear": (len(FEATURES), len(EMOTIONS)), "square": (len(FEATURES), len(EMOTIONS))}
        for name in (*_OF_FEATURES, "intercept"):
            numbers = getattr(self, name)
            shape = shapes.get(name, (len(EMOTIONS if name == "intercept" else FEATURES),))
            if numbers.shape != shape or not np.isfinite(numbers).all():
                raise ValueError(f"{name} has to be finite numbers of shape {shape}")
        if not (self.deviation > 0).all():
            raise ValueError("each deviation has to be above 0")


_OF_FEATURES: Final = ("average", "mean", "deviation", "linear", "square")


@cache
def default_model() -> EmotionModel:
    """Return the model that comes with HXI."""
    return EmotionModel.parse(files("pipeline.emotions").joinpath("model.json").read_text("utf-8"))


def _version(name: str, text: str) -> str:
    return f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
