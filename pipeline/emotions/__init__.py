"""Judges how a person feels from how they act, in windows of 30 seconds."""

from pipeline.emotions.columns import TYPES, columns_of, unpacked
from pipeline.emotions.judging import judged_from, predictions, read_from
from pipeline.emotions.model import EmotionModel, default_model
from pipeline.emotions.timeline import TimelineEvent

__all__ = [
    "TYPES",
    "EmotionModel",
    "TimelineEvent",
    "columns_of",
    "default_model",
    "judged_from",
    "predictions",
    "read_from",
    "unpacked",
]
