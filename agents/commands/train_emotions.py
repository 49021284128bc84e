"""``hxi train-emotions``: a model of emotions and its card, from simulated people or from labels of one's own."""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from agents.commands.output import CommandFailed, progress, say
from agents.settings import Settings
from pipeline.emotions import TYPES, unpacked
from pipeline.emotions.columns import WINDOW_US
from pipeline.sinks.contract import Unavailable
from pipeline.sinks.reading import ask
from pipeline.windows import window_start
from schema.emotion_model import EMOTIONS
from schema.fields import instant_us

if TYPE_CHECKING:
    from pipeline.training.course import Course
    from pipeline.training.windows import LabelledWindows

COLUMNS = ["session", "window", "label"]
AT_ONCE = 200
"""Sessions read at once: some 20 MB."""

Labels = dict[tuple[UUID, int], str]


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for."""

    labels: Path | None
    model: Path
    card: Path
    name: str | None
    seed: int


def train_emotions(settings: Callable[[], Settings], order: Order) -> None:
    """Train, examine, and write the model and its card."""
    try:
        from pipeline.training.card import card_of
        from pipeline.training.course import learn_from_labels, learn_from_simulation
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        raise CommandFailed(f"training needs {library}, which comes with the extra 'train' of HXI") from None
    try:
        if order.labels is None:
            say("simulating people and training: one or two minutes")
            course = learn_from_simulation(order.name or "simulated", order.seed)
        else:
            windows = _windows(settings().database_url, _read_labels(order.labels))
            course = learn_from_labels(order.name or order.labels.stem, windows, order.seed)
    except (ValueError, Unavailable) as error:
        raise CommandFailed(str(error)) from None
    _write(order.model, course.model.dump())
    _write(order.card, card_of(course, _command(order), is_simulated=order.labels is None))
    _report(course, order)


def _read_labels(path: Path) -> Labels:
    """Read a CSV of session, window and label; the window is named by any time in it."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if rows.fieldnames is None or not set(COLUMNS) <= set(rows.fieldnames):
                raise CommandFailed(f"{path} has to begin with {','.join(COLUMNS)}, with commas between")
            labels: Labels = {}
            for row in rows:
                window, label = _label(row, f"{path}, line {rows.line_num}")
                if labels.setdefault(window, label) != label:
                    raise CommandFailed(
                        f"{path}, line {rows.line_num}: this window is labelled {labels[window]} before"
                    )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CommandFailed(f"{path} cannot be read: {error}") from None
    if not labels:
        raise CommandFailed(f"{path} has no labels")
    return labels


def _label(row: Mapping[str, str | None], where: str) -> tuple[tuple[UUID, int], str]:
    session, window, label = ((row[name] or "").strip() for name in COLUMNS)
    if label not in EMOTIONS:
        raise CommandFailed(f"{where}: the label {label!r} is none of {', '.join(EMOTIONS)}")
    try:
        return (UUID(session), window_start(instant_us(window), WINDOW_US)), label
    except ValueError:
        raise CommandFailed(
            f"{where}: needs a session's UUID and an ISO-8601 time, not {session!r}, {window!r}"
        ) from None


def _windows(url: str, labels: Labels) -> "LabelledWindows":
    """Return the labelled windows that the database has enough events of."""
    from pipeline.training.windows import labelled, together

    sessions = list(dict.fromkeys(session_id for session_id, _ in labels))
    beginning = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    parts = []
    with progress("Reading sessions", len(sessions)) as advance:
        for start in range(0, len(sessions), AT_ONCE):
            some = sessions[start : start + AT_ONCE]
            answer = ask(url, "timelines", session_ids=some, from_times=[beginning] * len(some), types=list(TYPES))
            parts.append(labelled(unpacked(dict(answer.rows)), labels))
            advance(len(some))
    windows = together(parts)
    say(f"{len(windows.label)} of {len(labels)} labelled windows have events enough to be judged")
    return windows


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"{path} cannot be written: {error.strerror}") from None


def _command(order: Order) -> str:
    """Return the command line that does the same again."""
    words = ["hxi train-emotions"]
    if order.labels is not None:
        words.append(f"--labels {order.labels}")
    if order.name is not None:
        words.append(f"--name {order.name}")
    if order.seed:
        words.append(f"--seed {order.seed}")
    return " ".join(words)


def _report(course: "Course", order: Order) -> None:
    for examination in course.examinations:
        for way, of in examination.by.items():
            say(f"{examination.people}: {way} macro-F1 {of.macro_f1:.3f}, calibration error {of.calibration_error:.3f}")
    say(f"model {course.model.version} is in {order.model}, its card in {order.card}")
    say(f"HXI_EMOTION_MODEL={order.model} makes workers use it")
