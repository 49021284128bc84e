"""A training from start to end: which windows a model learns from, and which it is examined with."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np

from pipeline.emotions.columns import Floats
from pipeline.emotions.model import EmotionModel
from pipeline.simulation import Traffic
from pipeline.training.evaluation import Evaluation, evaluation, judge_by_hand, judge_by_majority, judge_by_model
from pipeline.training.fit import fit
from pipeline.training.windows import LabelledWindows
from pipeline.training.worlds import EMOTION_OF, fainter_worlds, shifted_worlds, similar_worlds, touch_worlds
from schema.emotion_model import EMOTIONS

TRAINED_WORLDS: Final = 30
CALIBRATED_WORLDS: Final = 10
EXAMINED_WORLDS: Final = 10
APART: Final = 10_000
"""Between the numbers of worlds that are for different things."""

UNSEEN: Final = 0.2
"""Share of the labelled sessions that set the confidence, and of those that examine the model."""


@dataclass(frozen=True, slots=True)
class Examination:
    """How several ways to judge did with the same windows.

    Attributes:
        people: Whose windows, in a sentence without its stop.
        by: The ways, the model first.
    """

    people: str
    by: Mapping[str, Evaluation]


@dataclass(frozen=True, slots=True)
class Course:
    """A model and how it did.

    Attributes:
        model: What was learnt.
        windows: It was trained on so many.
        sessions: Of so many sessions.
        examinations: With windows that it was not trained on.
    """

    model: EmotionModel
    windows: int
    sessions: int
    examinations: tuple[Examination, ...]


def learn_from_simulation(name: str, seed: int) -> Course:
    """Train in some simulated worlds and examine in others; one or two minutes."""
    first = seed * 10 * APART
    trained = similar_worlds(TRAINED_WORLDS, first)
    model = fit(name, trained, similar_worlds(CALIBRATED_WORLDS, first + APART), _shares())
    similar = similar_worlds(EXAMINED_WORLDS, first + 2 * APART)
    shifted = shifted_worlds(EXAMINED_WORLDS, first + 3 * APART)
    touch = touch_worlds(EXAMINED_WORLDS, first + 4 * APART)
    fainter = fainter_worlds(EXAMINED_WORLDS, first + 5 * APART)
    return Course(
        model,
        len(trained.label),
        trained.sessions,
        (
            _examined("other people, in worlds like those trained in", model, trained, similar),
            _examined("people unlike those trained on, with other devices", model, trained, shifted),
            _examined("people with phones and tablets only", model, trained, touch),
            _examined("people whose mood shows half as much", model, trained, fainter),
        ),
    )


def learn_from_labels(name: str, windows: LabelledWindows, seed: int) -> Course:
    """Train on three fifths of the sessions, set confidence on one fifth, examine on the last.

    Raises:
        ValueError: too few windows.
    """
    sessions = np.unique(windows.session).tolist()
    Random(seed).shuffle(sessions)
    size = int(len(sessions) * UNSEEN)
    held_out, unseen, known = sessions[:size], sessions[size : 2 * size], sessions[2 * size :]
    if not size:
        raise ValueError(f"{len(sessions)} sessions with labels are too few to hold a fifth of them back")
    trained, calibrated, examined = (windows.only(np.isin(windows.session, each)) for each in (known, unseen, held_out))
    model = fit(name, trained, calibrated)
    examination = _examined("sessions held back, a fifth of all", model, trained, examined)
    return Course(model, len(trained.label), trained.sessions, (examination,))


def _examined(people: str, model: EmotionModel, trained: LabelledWindows, windows: LabelledWindows) -> Examination:
    judgements = {
        "model": judge_by_model(model, windows),
        "hand rule": judge_by_hand(trained, windows),
        "majority": judge_by_majority(trained, windows),
    }
    return Examination(people, {way: evaluation(windows, each) for way, each in judgements.items()})


def _shares() -> Floats:
    """Weigh moods by the square root of how many are in them: between equal chances and the generator's own."""
    moods = {EMOTION_OF[mood]: share for mood, share in Traffic().moods.items()}
    return np.sqrt([moods[emotion] for emotion in EMOTIONS])
