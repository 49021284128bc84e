"""Fits a model to labelled windows, and its confidence to windows that the fit has not seen."""

from dataclasses import replace
from typing import Final

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression

from pipeline.emotions.columns import Floats
from pipeline.emotions.measures import FEATURES, TROUBLES
from pipeline.emotions.model import EmotionModel
from pipeline.training.windows import LabelledWindows
from schema.emotion_model import EMOTIONS, LEAST_DEVIATION

PENALTY: Final = 0.3
"""Inverse strength of the squared penalty on weights; 0.05 to 3 make no difference to simulated people."""

LEAST_WINDOWS: Final = 20
"""An emotion with fewer windows is refused."""

NEVER: Final = -30.0
"""Intercept of an emotion that nothing is labelled as."""

DIGITS: Final = 6

_IS_TROUBLE: Final = np.isin(FEATURES, TROUBLES)


def fit(name: str, windows: LabelledWindows, unseen: LabelledWindows, shares: Floats | None = None) -> EmotionModel:
    """Return a model of ``windows``, as sure of itself as it is right on ``unseen``.

    ``shares``: weight of each emotion's windows; without them every window weighs the same.

    Raises:
        ValueError: fewer than two emotions, or one with hardly any windows.
    """
    _refuse_few(windows)
    average = windows.memory.average()
    features = windows.memory.features(average)
    deviation = features.std(axis=0)
    raw = EmotionModel(
        f"{name}-",
        average,
        features.mean(axis=0),
        np.where(deviation > LEAST_DEVIATION, deviation, 1.0),
        *_weightless(),
    )
    standardised = raw.standardised(windows.memory)
    squares = np.where(_IS_TROUBLE, 0.0, standardised**2 - 1)
    regression = LogisticRegression(C=PENALTY, max_iter=2_000)
    regression.fit(
        np.concatenate([standardised, squares], axis=1),
        windows.label,
        sample_weight=None if shares is None else shares[windows.label],
    )
    fitted = _with_trouble_as_frustration(_with_weights(raw, regression))
    return EmotionModel.parse(_sharpened(fitted, _sharpness(fitted, unseen)).dump())


def _with_trouble_as_frustration(model: EmotionModel) -> EmotionModel:
    """Return the model in which no feature of trouble speaks more for anything else than for frustration."""
    linear = model.linear.copy()
    linear[_IS_TROUBLE, EMOTIONS.index("frustrated")] = linear[_IS_TROUBLE].max(axis=1)
    return replace(model, linear=linear)


def _refuse_few(windows: LabelledWindows) -> None:
    number = np.bincount(windows.label, minlength=len(EMOTIONS))
    scarce = [f"{number[n]} {EMOTIONS[n]}" for n in np.flatnonzero((number > 0) & (number < LEAST_WINDOWS))]
    if scarce or (number > 0).sum() < 2:
        found = ", ".join(scarce) or "one emotion"
        raise ValueError(f"only {found}: it takes two emotions or more, of each {LEAST_WINDOWS} windows to train with")


def _weightless() -> tuple[Floats, Floats, Floats]:
    return np.zeros((len(FEATURES), len(EMOTIONS))), np.zeros((len(FEATURES), len(EMOTIONS))), np.zeros(len(EMOTIONS))


def _with_weights(model: EmotionModel, regression: LogisticRegression) -> EmotionModel:
    coefficients, intercepts = regression.coef_, regression.intercept_
    if len(regression.classes_) == 2:  # then there is one row: the second class against the first
        coefficients, intercepts = (np.concatenate([-each / 2, each / 2]) for each in (coefficients, intercepts))
    linear, square, intercept = _weightless()
    intercept[:] = NEVER
    linear[:, regression.classes_] = coefficients[:, : len(FEATURES)].T
    square[:, regression.classes_] = coefficients[:, len(FEATURES) :].T
    intercept[regression.classes_] = intercepts
    return replace(model, linear=linear, square=square, intercept=intercept)


def _sharpness(model: EmotionModel, unseen: LabelledWindows) -> float:
    """Return the factor of all weights under which the labels are likeliest (Guo et al. 2017, temperature scaling)."""
    standardised, rows = model.standardised(unseen.memory), np.arange(len(unseen.label))

    def surprise(logarithm: float) -> float:
        right = _sharpened(model, float(np.exp(logarithm))).probabilities(standardised)[rows, unseen.label]
        return float(-np.log(np.maximum(right, 1e-12)).mean())

    return float(np.exp(minimize_scalar(surprise, bounds=(-2, 2), method="bounded").x))


def _sharpened(model: EmotionModel, by: float) -> EmotionModel:
    """Return the model with all weights multiplied, and its numbers as short as they are printed."""
    short = (_short(each) for each in (model.average, model.mean, model.deviation))
    return EmotionModel(
        model.version, *short, *(_short(each * by) for each in (model.linear, model.square, model.intercept))
    )


def _short(values: Floats) -> Floats:
    return np.array([float(f"{value:.{DIGITS}g}") for value in values.ravel()]).reshape(values.shape)
