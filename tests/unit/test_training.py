"""Training, on windows made for it: what is learnt, what is refused, how right and how sure it is said to be."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from pipeline.emotions import TimelineEvent, columns_of, default_model
from pipeline.emotions.columns import WINDOW_US
from pipeline.emotions.features import Remembered
from pipeline.emotions.model import EmotionModel
from pipeline.emotions.sums import NAMES
from pipeline.training.card import card_of
from pipeline.training.course import learn_from_labels
from pipeline.training.evaluation import evaluation, judge_by_hand, judge_by_majority, judge_by_model
from pipeline.training.fit import LEAST_WINDOWS, fit
from pipeline.training.windows import LabelledWindows, labelled, together
from pipeline.training.worlds import shifted_worlds, similar_worlds
from schema.emotion_model import EMOTIONS

CARD = Path(__file__).parents[2] / "docs" / "emotion-model.md"
NEUTRAL, ENGAGED, BORED, CONFUSED, FRUSTRATED = range(len(EMOTIONS))
SESSION = UUID(int=1)


@pytest.fixture(scope="module")
def windows() -> LabelledWindows:
    return similar_worlds(2, seed=900_001)


@pytest.fixture(scope="module")
def others() -> LabelledWindows:
    return similar_worlds(1, seed=900_011)


@pytest.fixture(scope="module")
def model(windows: LabelledWindows, others: LabelledWindows) -> EmotionModel:
    return fit("small", windows, others)


def marked(label: list[int], session: list[int] | None = None) -> LabelledWindows:
    """Return windows of which only the label matters."""
    rows = np.zeros((len(label), len(NAMES) + 2))
    return LabelledWindows(Remembered(rows), np.array(label), np.array(session or range(len(label))))


def event(seconds: float, session_id: UUID = SESSION) -> TimelineEvent:
    time_us = int(seconds * 1_000_000)
    return TimelineEvent(session_id, time_us, None, 1, "click", "/", None, 1, 1, None, None, None)


def test_the_same_windows_give_the_same_model(windows: LabelledWindows, others: LabelledWindows) -> None:
    assert fit("a", windows, others).dump() == fit("a", windows, others).dump()


def test_a_model_of_few_people_is_right_far_more_often_than_chance(model: EmotionModel) -> None:
    strangers = shifted_worlds(1, seed=900_021)
    of_model = evaluation(strangers, judge_by_model(model, strangers))
    assert of_model.macro_f1 > 0.6
    assert of_model.calibration_error < 0.1


def test_confidence_follows_the_windows_that_set_it(windows: LabelledWindows, others: LabelledWindows) -> None:
    guessed = replace(others, label=np.roll(others.label, len(others.label) // 2))
    doubtful, sure = fit("a", windows, guessed), fit("a", windows, windows)
    assert np.abs(doubtful.linear).sum() < np.abs(sure.linear).sum()


def test_emotions_without_labels_are_never_predicted(windows: LabelledWindows, others: LabelledWindows) -> None:
    two = windows.only((windows.label == BORED) | (windows.label == FRUSTRATED))
    model = fit("two", two, others.only((others.label == BORED) | (others.label == FRUSTRATED)))
    probabilities = judge_by_model(model, others)
    assert probabilities[:, [NEUTRAL, ENGAGED, CONFUSED]].max() < 1e-6
    right = probabilities.argmax(axis=1)[np.isin(others.label, [BORED, FRUSTRATED])]
    assert (right == others.label[np.isin(others.label, [BORED, FRUSTRATED])]).mean() > 0.9


@pytest.mark.parametrize(
    ("label", "says"),
    [
        ([NEUTRAL] * 100, "only one emotion"),
        ([NEUTRAL] * 100 + [BORED] * (LEAST_WINDOWS - 1), "only 19 bored"),
    ],
)
def test_too_few_windows_are_refused(label: list[int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        fit("few", marked(label), marked(label))


def test_labels_are_split_by_session(windows: LabelledWindows) -> None:
    course = learn_from_labels("own", windows, seed=1)
    (examination,) = course.examinations
    held_out = windows.sessions // 5
    assert examination.by["model"].sessions == held_out
    assert course.sessions == windows.sessions - 2 * held_out


def test_fewer_than_five_sessions_are_too_few() -> None:
    with pytest.raises(ValueError, match="4 sessions with labels are too few"):
        learn_from_labels("own", marked([NEUTRAL, BORED] * 4, session=[0, 0, 1, 1, 2, 2, 3, 3]), seed=1)


def test_windows_without_label_or_evidence_are_left_out() -> None:
    columns = columns_of([event(second) for second in (0, 1, 2, 3, 4, 30, 31, 60, 61, 62, 63, 64)])
    labels = {(SESSION, 0): "bored", (SESSION, WINDOW_US): "bored", (UUID(int=2), 0): "neutral"}
    assert labelled(columns, labels).label.tolist() == [BORED]


def test_sessions_of_parts_are_told_apart() -> None:
    parts = together([marked([NEUTRAL, BORED], session=[0, 1]), marked([BORED], session=[0])])
    assert parts.session.tolist() == [0, 1, 2]


def test_an_evaluation_by_hand() -> None:
    """Right: bored at 0.9, bored at 0.7; wrong: neutral taken for bored at 0.7. Bins: 13 (0.9), 10 (0.7 twice)."""
    probabilities = np.zeros((3, len(EMOTIONS)))
    probabilities[:, BORED], probabilities[:, NEUTRAL] = (0.9, 0.7, 0.7), (0.1, 0.3, 0.3)
    result = evaluation(marked([BORED, BORED, NEUTRAL], session=[0, 0, 1]), probabilities)
    assert result.f1[BORED] == pytest.approx(2 * (2 / 3) / (2 / 3 + 1))
    assert result.f1[NEUTRAL] == 0
    assert result.macro_f1 == pytest.approx(0.4)
    assert result.calibration_error == pytest.approx((abs(0.9 - 1) + abs(1.4 - 1)) / 3)
    assert (result.windows, result.sessions) == (3, 2)


def test_the_majority_is_as_sure_as_it_was_common() -> None:
    judged = judge_by_majority(marked([BORED, BORED, BORED, NEUTRAL]), marked([CONFUSED]))
    assert judged.tolist() == [[0.25, 0, 0.75, 0, 0]]


def test_the_hand_rule_beats_the_majority(windows: LabelledWindows, others: LabelledWindows) -> None:
    by_hand = evaluation(others, judge_by_hand(windows, others))
    assert by_hand.macro_f1 > evaluation(others, judge_by_majority(windows, others)).macro_f1


def test_a_card_warns_first_and_says_how_it_was_made(windows: LabelledWindows) -> None:
    course = learn_from_labels("own", windows, seed=1)
    simulated, own = (card_of(course, "hxi train-emotions --seed 3", each) for each in (True, False))
    assert "no evidence about human beings" in simulated.splitlines()[2]
    assert "says nothing about other people" in own.splitlines()[2]
    assert "`hxi train-emotions --seed 3`" in own
    assert course.model.version in own.splitlines()[0]


def test_the_card_in_the_docs_is_that_of_the_model_that_comes_with_hxi() -> None:
    assert CARD.read_text("utf-8").startswith(f"# Emotion model `{default_model().version}`\n")
