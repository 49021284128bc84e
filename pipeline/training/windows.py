"""Windows with a label, to train with and to be judged by."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import numpy.typing as npt

from pipeline.emotions.columns import Columns, Ints
from pipeline.emotions.features import Remembered, remembered
from pipeline.emotions.judging import completing
from schema.emotion_model import EMOTIONS


@dataclass(frozen=True, slots=True)
class LabelledWindows:
    """Windows with enough evidence to be judged, and what their person felt.

    Attributes:
        memory: Sums, a row for each window.
        label: Place in :data:`EMOTIONS`.
        session: Number of the session.
    """

    memory: Remembered
    label: Ints
    session: Ints

    def only(self, chosen: npt.NDArray[np.bool_]) -> "LabelledWindows":
        """Return those windows."""
        return LabelledWindows(Remembered(self.memory.rows[chosen]), self.label[chosen], self.session[chosen])

    @property
    def sessions(self) -> int:
        """How many sessions the windows are of."""
        return len(np.unique(self.session))


def labelled(columns: Columns, labels: Mapping[tuple[UUID, int], str]) -> LabelledWindows:
    """Return the windows, by session and start in microseconds, that have a label and enough evidence."""
    keys = [(columns.session_ids[columns.window_session[n]], int(columns.window_us[n])) for n in range(columns.windows)]
    label = np.array([EMOTIONS.index(labels[key]) if key in labels else -1 for key in keys], dtype=np.int64)
    chosen = (label >= 0) & (completing(columns) >= 0)
    return LabelledWindows(remembered(columns), label, columns.window_session).only(chosen)


def together(parts: Iterable[LabelledWindows]) -> LabelledWindows:
    """Return the windows of all parts; no session is in two of them."""
    memory, label, session, known = [], [], [], 0
    for part in parts:
        memory.append(part.memory.rows)
        label.append(part.label)
        session.append(part.session + known)
        known += int(part.session.max(initial=-1)) + 1
    return LabelledWindows(Remembered(np.concatenate(memory)), np.concatenate(label), np.concatenate(session))
