"""Judges windows: which emotion, how sure, and which features said so most."""

from collections.abc import Mapping
from itertools import repeat
from typing import Final
from uuid import UUID

import numpy as np

from pipeline.emotions.columns import WINDOW_US, Columns, Floats, Ints, Kind
from pipeline.emotions.features import WINDOWS, Remembered, in_units, remembered
from pipeline.emotions.measures import FEATURES
from pipeline.emotions.model import EmotionModel
from pipeline.emotions.sums import AHEAD_US, LOOKBACK_US
from pipeline.moments import moment
from pipeline.windows import window_start
from schema.emotion_model import EMOTIONS
from schema.rows import EmotionRow

EVIDENCE: Final = 5
"""Things done in a window (clicks, moves, scrolls, inputs, views) that are enough to judge it."""

REASONS: Final = 3

LEAST_WEIGHT: Final = 0.005
"""Of a reason: what rounds to 0.00 is none."""


def judged_from(changed_us: int) -> int:
    """Return the start of the first window whose judgement a change at that time may alter."""
    return window_start(changed_us - AHEAD_US, WINDOW_US)


def read_from(changed_us: int) -> int:
    """Return from when events have to be read to judge what a change at that time may alter."""
    return judged_from(changed_us) - (WINDOWS - 1) * WINDOW_US - LOOKBACK_US


def predictions(columns: Columns, since_us: Mapping[UUID, int], model: EmotionModel) -> list[EmotionRow]:
    """Judge the windows that start at or after the time that ``since_us`` has for their session.

    ``columns`` hold all events of each of these sessions from :func:`read_from` on, and of no other.
    """
    if not columns.windows:
        return []
    since = np.array([since_us[session_id] for session_id in columns.session_ids])
    completed = completing(columns)
    judged = np.flatnonzero((completed >= 0) & (columns.window_us >= since[columns.window_session]))
    memory = Remembered(remembered(columns).rows[judged])
    standardised = model.standardised(memory)
    probabilities = model.probabilities(standardised)
    emotion = probabilities.argmax(axis=1)
    confidence = probabilities[np.arange(len(judged)), emotion]
    reasons = _reasons(model, memory.values(), model.weights(standardised, emotion))
    starts = {start_us: moment(start_us) for start_us in set(columns.window_us[judged].tolist())}
    rows = zip(
        map(columns.session_ids.__getitem__, columns.window_session[judged].tolist()),
        map(starts.__getitem__, columns.window_us[judged].tolist()),
        columns.event_id[completed[judged]].tolist(),
        map(EMOTIONS.__getitem__, emotion.tolist()),
        confidence.round(4).tolist(),
        repeat(model.version),
        reasons,
    )
    return list(map(EmotionRow._make, rows))


def completing(columns: Columns) -> Ints:
    """Return for each window the place of the event that completed the evidence, -1 where there is too little."""
    deeds = np.flatnonzero(columns.kind <= Kind.VIEW)
    window = columns.window[deeds]
    number = np.arange(len(deeds)) - np.searchsorted(window, window)  # within its window, from 0
    places = np.full(columns.windows, -1)
    places[window[number == EVIDENCE - 1]] = deeds[number == EVIDENCE - 1]
    return places


def _reasons(model: EmotionModel, values: Floats, weights: Floats) -> list[bytes]:
    """Return for each row, as JSON, the features that spoke most for its emotion, of those that there were."""
    weights = np.where(np.isnan(values), -np.inf, weights)
    strongest = np.argsort(-weights, axis=1, kind="stable")[:, :REASONS]
    of_strongest = (np.take_along_axis(each, strongest, axis=1).tolist() for each in (values, weights))
    forms = [
        f'{{"feature": "{name}", "value": %.3g, "typical": {typical:.3g}, "weight": %.2f}}'
        for name, typical in zip(FEATURES, in_units(model.average).tolist(), strict=True)
    ]
    return [
        b"[%s]"
        % ", ".join(
            forms[feature] % (value, weight)
            for feature, value, weight in zip(*row, strict=True)
            if weight >= LEAST_WEIGHT
        ).encode()
        for row in zip(strongest.tolist(), *of_strongest, strict=True)
    ]
