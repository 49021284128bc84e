"""Emotions: what it costs to judge windows, once PostgreSQL has handed over what happened in them.

The same events read as JSON, once, are what it is compared with: every worker does that to each event anyway.
"""

import json
import time
from collections.abc import Callable
from itertools import islice
from typing import Any

from pydantic_core import from_json

from benchmarks.rig import Figures
from pipeline.emotions import columns_of, default_model, predictions
from pipeline.emotions.features import remembered
from pipeline.simulation import Traffic, arrivals
from pipeline.training.worlds import START_MS, timeline_of

PEOPLE = 180
"""Sessions of simulated people; some 1 000 windows of theirs have evidence enough."""

REPEATS = 20

LINES = {
    "events": ("events", 0),
    "windows": ("windows judged", 0),
    "features_ms": ("features of 1 000 windows: ms", 2),
    "model_ms": ("model, of features, 1 000 windows: ms", 2),
    "predictions_ms": ("rows with reasons, all told, 1 000: ms", 2),
    "json_ms": ("reading the same events' JSON: ms", 2),
    "ratio": ("all told over reading JSON", 2),
}
"""Every figure, how the table calls it, and its decimals."""


def measure() -> Figures:
    """Judge the same sessions again and again; figures are of the quickest time."""
    people = list(islice(arrivals(Traffic(), seed=1, start_ms=START_MS), PEOPLE))
    timeline = [event for person in people for event in timeline_of(person, seed=1)]
    told = json.dumps([event._asdict() for event in timeline], default=str).encode()
    columns, model = columns_of(timeline), default_model()
    memory, since = remembered(columns), dict.fromkeys(columns.session_ids, 0)
    thousand = 1_000 / len(predictions(columns, since, model))
    features_s = _quickest(lambda: remembered(columns))
    model_s = _quickest(lambda: model.probabilities(model.standardised(memory)))
    all_s = _quickest(lambda: predictions(columns, since, model))
    json_s = _quickest(lambda: from_json(told))
    return {
        "events": len(timeline),
        "windows": 1_000 / thousand,
        "features_ms": features_s * 1_000 * thousand,
        "model_ms": model_s * 1_000 * thousand,
        "predictions_ms": all_s * 1_000 * thousand,
        "json_ms": json_s * 1_000 * thousand,
        "ratio": all_s / json_s,
    }


def _quickest(work: Callable[[], Any]) -> float:
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)
