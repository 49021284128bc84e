"""A model comes back from its JSON as it was, tells what is wrong with it, and explains its judgements."""

import json
import math
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.emotions import EmotionModel, columns_of, default_model
from pipeline.emotions.features import remembered
from pipeline.emotions.measures import FEATURES
from pipeline.emotions.model import MOST_DEVIATIONS
from schema.emotion_model import EMOTIONS
from tests.emotion_reference import happened

MODEL = default_model()
TEXT = MODEL.dump()
STRANGE = np.random.default_rng(1).normal(0.0, 2.0, (50, len(FEATURES)))
"""Windows as far from the average as any."""

Json = dict[str, Any]


def numbers_of(model: EmotionModel) -> dict[str, Any]:
    return {each.name: np.asarray(getattr(model, each.name)).tolist() for each in fields(model)}


def changed(change: Callable[[Json], object]) -> str:
    """Return the default model's JSON with something changed in place."""
    model = json.loads(TEXT)
    change(model)
    return json.dumps(model)


def with_number(name: str, number: Any, feature: str = "pause") -> str:
    """Return the default model's JSON with one number of a feature replaced."""
    return changed(lambda model: model["features"][feature].update({name: number}))


def without(key: str) -> str:
    """Return the default model's JSON without one of its parts."""
    return changed(lambda model: model.pop(key))


def without_number(name: str) -> str:
    """Return the default model's JSON without one number of a feature."""
    return changed(lambda model: model["features"]["pause"].pop(name))


def test_a_model_comes_back_as_it_was() -> None:
    again = EmotionModel.parse(TEXT)
    assert numbers_of(again) == numbers_of(MODEL)
    assert again.dump() == TEXT


def test_a_model_with_numbers_of_all_digits_comes_back_as_it_was() -> None:
    rng = np.random.default_rng(2)
    numbers = {name: getattr(MODEL, name) * (1 + rng.random(1)) / 3 for name in ("average", "deviation", "linear")}
    once = EmotionModel.parse(replace(MODEL, **numbers).dump())
    assert numbers_of(EmotionModel.parse(once.dump())) == numbers_of(once)
    for name, value in numbers.items():
        assert getattr(once, name).tolist() == value.tolist()


def test_a_name_with_dashes_is_kept() -> None:
    named = EmotionModel.parse(changed(lambda model: model.update(name="our-own-people")))
    assert named.version.rpartition("-")[0] == "our-own-people"
    assert json.loads(named.dump())["name"] == "our-own-people"


@pytest.mark.parametrize("name", ["average", "mean", "deviation"])
def test_another_number_is_another_version(name: str) -> None:
    number = json.loads(TEXT)["features"]["pause"][name]
    versions = {EmotionModel.parse(with_number(name, each)).version for each in (number, number + 1e-6)}
    assert len(versions) == 2


def test_another_weight_is_another_version() -> None:
    linear = json.loads(TEXT)["features"]["pause"]["linear"]
    versions = {EmotionModel.parse(with_number("linear", [each, *linear[1:]])).version for each in (1.5, 1.25)}
    assert len(versions) == 2


def test_the_default_model_is_read_from_its_file_as_from_any(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text(TEXT, "utf-8")
    assert EmotionModel.load(path).version == MODEL.version


WRONG = [
    ("", "Invalid JSON"),
    ("{", "Invalid JSON"),
    ("not JSON", "Invalid JSON"),
    ("[" * 100_000, "Invalid JSON"),
    *((text, "Input should be an object") for text in ("[]", "3", "null", '"model"')),
    ("{}", "format: Field required"),
    *((without(key), f"{key}: Field required") for key in json.loads(TEXT)),
    *(
        (without_number(key), f"features: pause: {key}: Field required")
        for key in json.loads(TEXT)["features"]["pause"]
    ),
    (changed(lambda model: model.update(features=3)), "features: Input should be an object"),
    (changed(lambda model: model.update(features=list(FEATURES))), "features: Input should be an object"),
    (changed(lambda model: model["features"].update(pause=[])), "features: pause: Input should be an object"),
    (changed(lambda model: model.update(name=None)), "name: Input should be a valid string"),
    (changed(lambda model: model.update(name="")), "name: String should have at least 1"),
    (changed(lambda model: model.update(comment="")), "comment: Extra inputs are not permitted"),
    (changed(lambda model: model.update(format=2)), "another version of HXI"),
    (changed(lambda model: model.update(emotions=["neutral"])), "another version of HXI"),
    (changed(lambda model: model["emotions"].reverse()), "another version of HXI"),
    (changed(lambda model: model["features"].pop("pause")), "another version of HXI"),
    (changed(lambda model: model["features"].update(more=model["features"]["pause"])), "another version of HXI"),
    (with_number("mean", math.nan), "features: pause: mean: Input should be"),
    (with_number("average", math.inf), "features: pause: average: Input should be"),
    (with_number("linear", [0.0, 0.0, -math.inf, 0.0, 0.0]), "features: pause: linear: 2: Input should be"),
    (with_number("mean", None), "features: pause: mean: Input should be a valid number"),
    (with_number("mean", "1"), "features: pause: mean: Input should be a valid number"),
    (with_number("mean", True), "features: pause: mean: Input should be a valid number"),
    (with_number("mean", [0.0]), "features: pause: mean: Input should be a valid number"),
    (with_number("mean", 10**400), "features: pause: mean: Input should be"),
    (with_number("mean", 1.1e6), "features: pause: mean: Input should be less than or equal to 1000000"),
    (with_number("linear", [0.0] * 4), "features: pause: linear: List should have at least 5 items"),
    (with_number("square", 0.0), "features: pause: square: Input should be a valid array"),
    (changed(lambda model: model.update(intercept=[math.nan] * 5)), "intercept: 0: Input should be"),
    (changed(lambda model: model.update(intercept=[0.0] * 6)), "intercept: List should have at most 5 items"),
    *(
        (
            with_number("deviation", value),
            "features: pause: deviation: Input should be greater than or equal to 0.000001",
        )
        for value in (0, -1, 1e-320)
    ),
    *(
        (with_number("average", value, "dead_clicks"), "features: dead_clicks: average: Input should be greater than 0")
        for value in (0, -1)
    ),
]


@pytest.mark.parametrize(("text", "says"), WRONG)
def test_what_is_no_model_is_refused_and_told_why(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=says):
        EmotionModel.parse(text)
    path = tmp_path / "model.json"
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=rf"model\.json holds no emotion model: .*{says}"):
        EmotionModel.load(path)


@pytest.mark.parametrize("extreme", [1e6, -1e6])
def test_the_wildest_model_that_is_taken_judges_by_finite_numbers(extreme: float) -> None:
    numbers = {"average": abs(extreme), "mean": extreme, "linear": [extreme] * 5, "square": [-extreme] * 5}
    wild = changed(lambda model: [each.update(numbers, deviation=1e-6) for each in model["features"].values()])
    memory = remembered(columns_of([happened(n, kind) for n, kind in enumerate(("click", "click", "page_view"))]))
    model = EmotionModel.parse(wild)
    assert np.isfinite(model.probabilities(model.standardised(memory))).all()


def test_what_cannot_be_read_is_refused_and_told_why(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nothing\.json cannot be read: No such file or directory"):
        EmotionModel.load(tmp_path / "nothing.json")
    with pytest.raises(ValueError, match="cannot be read: Is a directory"):
        EmotionModel.load(tmp_path)


def test_what_is_no_text_is_refused_and_told_why(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(b"\xff\xfe{}")
    with pytest.raises(ValueError, match=r"model\.json holds no emotion model: .*utf-8"):
        EmotionModel.load(path)


@pytest.mark.parametrize("windows", [STRANGE, 100 * STRANGE, np.zeros((1, len(FEATURES)))])
def test_probabilities_sum_to_1(windows: Any) -> None:
    probabilities = MODEL.probabilities(windows)
    assert probabilities.shape == (len(windows), len(EMOTIONS))
    assert (probabilities >= 0).all()
    assert probabilities.sum(axis=1) == pytest.approx(1.0)


def test_of_no_windows_there_are_no_probabilities() -> None:
    assert MODEL.probabilities(STRANGE[:0]).shape == (0, len(EMOTIONS))


def test_probabilities_are_those_of_a_logistic_regression() -> None:
    # all weights 0 but: 2 for being bored a deviation up, -1 for its square less 1 being frustrated
    linear, square = np.zeros((2, len(FEATURES), len(EMOTIONS)))
    linear[0, EMOTIONS.index("bored")], square[0, EMOTIONS.index("frustrated")] = 2.0, -1.0
    model = replace(MODEL, linear=linear, square=square, intercept=np.array([1.0, 0, 0, 0, 0]))
    windows = np.zeros((1, len(FEATURES)))
    windows[0, 0] = 3.0
    odds = {"neutral": math.e, "engaged": 1.0, "bored": math.exp(6), "confused": 1.0, "frustrated": math.exp(-8)}
    assert model.probabilities(windows)[0] == pytest.approx([each / sum(odds.values()) for each in odds.values()])


@pytest.mark.parametrize("emotion", range(len(EMOTIONS)))
def test_weights_add_up_to_the_log_odds_against_the_mean_of_all_emotions(emotion: int) -> None:
    chosen = np.full(len(STRANGE), emotion)
    logarithms = np.log(MODEL.probabilities(STRANGE))
    against_mean = logarithms[:, emotion] - logarithms.mean(axis=1)
    intercept = MODEL.intercept[emotion] - MODEL.intercept.mean()
    assert MODEL.weights(STRANGE, chosen).sum(axis=1) + intercept == pytest.approx(against_mean)


def test_weights_are_of_the_emotion_of_each_window() -> None:
    chosen = np.arange(len(STRANGE)) % len(EMOTIONS)
    weights = MODEL.weights(STRANGE, chosen)
    for place, emotion in enumerate(chosen):
        assert weights[place] == pytest.approx(MODEL.weights(STRANGE[place : place + 1], np.array([emotion]))[0])


def test_no_feature_counts_as_further_from_the_mean_than_four_deviations() -> None:
    memory = remembered(columns_of([happened(0, "click", x=0, y=0), happened(9, "page_view")]))
    for deviation in (1e-6, 1.0, 1e6):
        away = replace(MODEL, deviation=np.full(len(FEATURES), deviation)).standardised(memory)
        assert np.abs(away).max() <= MOST_DEVIATIONS
        expected = (memory.features(MODEL.average) - MODEL.mean) / deviation
        is_near = np.abs(expected) < MOST_DEVIATIONS
        assert away[is_near] == pytest.approx(expected[is_near])
        assert (away[~is_near] == np.sign(expected[~is_near]) * MOST_DEVIATIONS).all()


def test_the_default_model_is_there_and_named() -> None:
    assert default_model() is default_model()
    assert MODEL.version.startswith("simulated-")
    assert len(MODEL.version.rpartition("-")[2]) == 8
