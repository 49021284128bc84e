"""Tells how often judgements are right, how sure they are, and how right simpler ways would be."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from sklearn.metrics import f1_score

from pipeline.emotions.columns import Bools, Floats, Ints
from pipeline.emotions.features import in_units
from pipeline.emotions.measures import FEATURES
from pipeline.emotions.model import EmotionModel
from pipeline.training.windows import LabelledWindows
from schema.emotion_model import EMOTIONS

BINS: Final = 15
"""Of confidence, for the calibration error (Guo et al. 2017)."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How judgements of windows came out.

    Attributes:
        macro_f1: Mean over emotions of F1, which is the harmonic mean of precision and recall.
        f1: Of each emotion.
        calibration_error: Mean distance of confidence and share of right judgements, over bins of confidence.
        windows: How many were judged.
        sessions: Of how many sessions.
    """

    macro_f1: float
    f1: tuple[float, ...]
    calibration_error: float
    windows: int
    sessions: int


def evaluation(windows: LabelledWindows, probabilities: Floats) -> Evaluation:
    """Compare judgements, a row of probabilities for each window, with the labels."""
    judged, label = probabilities.argmax(axis=1), windows.label
    present = np.unique(label)
    f1 = f1_score(label, judged, labels=range(len(EMOTIONS)), average=None, zero_division=0.0)
    confidence = probabilities.max(axis=1)
    error = _calibration_error(confidence, judged == label)
    return Evaluation(float(f1[present].mean()), tuple(f1.tolist()), error, len(label), windows.sessions)


def _calibration_error(confidence: Floats, is_right: Bools) -> float:
    place = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    sums = [np.bincount(place, weights=values, minlength=BINS) for values in (confidence, is_right)]
    return float(np.abs(sums[0] - sums[1]).sum() / len(confidence))


def judge_by_model(model: EmotionModel, windows: LabelledWindows) -> Floats:
    """Return the model's probabilities."""
    return model.probabilities(model.standardised(windows.memory))


def judge_by_majority(trained: LabelledWindows, windows: LabelledWindows) -> Floats:
    """Return the shares of emotions among the windows trained on, whatever a window is like."""
    shares = np.bincount(trained.label, minlength=len(EMOTIONS)) / len(trained.label)
    return np.asarray(np.tile(shares, (len(windows.label), 1)))


def judge_by_hand(trained: LabelledWindows, windows: LabelledWindows) -> Floats:
    """Return what a rule of thumb says, as sure as it was right on the windows trained on.

    Frustrated are bursts of clicks, or a pointer both fast and shaky; confused is turning back, or
    many dead clicks; bored a slow hand or long breaks; engaged a quick and steady hand; the rest neutral.
    """
    typical = in_units(trained.memory.average())
    known, guessed = _by_hand(trained, typical), _by_hand(windows, typical)
    is_right = known == trained.label
    sure = np.array([is_right[known == n].mean() if (known == n).any() else 0.5 for n in range(len(EMOTIONS))])
    sure = np.maximum(sure, 0.3)[guessed]  # below a fifth, another emotion would be the guess
    probabilities = np.repeat((1 - sure)[:, None] / (len(EMOTIONS) - 1), len(EMOTIONS), axis=1)
    probabilities[np.arange(len(guessed)), guessed] = sure
    return np.asarray(probabilities)


def _by_hand(windows: LabelledWindows, typical: Floats) -> Ints:
    values = windows.memory.values()

    def of(name: str) -> Floats:
        return np.asarray(np.nan_to_num(values[:, FEATURES.index(name)]))

    def relative(name: str) -> Floats:
        place = FEATURES.index(name)
        return np.asarray(np.nan_to_num(values[:, place] / typical[place], nan=1.0))

    rules = {
        "frustrated": (of("rage_bursts") > 0.1) | ((relative("pointer_speed") > 1.2) & (relative("path_tremor") > 1.5)),
        "confused": (of("turning_back") > 0.2) | (of("dead_clicks") > 0.35) | (of("scroll_reversals") > 0.4),
        "bored": (relative("slowness") > 1.3) | (relative("scroll_beat") > 1.3) | (of("empty_windows") > 0.3),
        "engaged": (relative("slowness") < 0.8) & (relative("path_tremor") < 0.8),
    }
    names = [EMOTIONS.index(emotion) for emotion in rules]
    judged: Ints = np.select(list(rules.values()), names, EMOTIONS.index("neutral")).astype(np.int64)
    return judged
