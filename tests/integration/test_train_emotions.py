"""``hxi train-emotions`` with labels: from a CSV and the events in PostgreSQL to a model that workers take."""

import asyncio
import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from uuid import UUID

import pytest

from agents.commands.output import CommandFailed
from agents.commands.train_emotions import Order, train_emotions
from agents.settings import Settings, load_settings
from pipeline.decode import decode_events
from pipeline.emotions.columns import WINDOW_US
from pipeline.emotions.model import EmotionModel
from pipeline.fold import FoldPolicy
from pipeline.moments import moment
from pipeline.simulation import Person, Traffic, arrivals
from pipeline.simulation.visit import walk
from pipeline.sinks.postgres import PostgresSink
from pipeline.training.worlds import ALL_MOODS, EMOTION_OF, START_MS
from schema.rows import KeptEvent
from tests.builders import POLICY, Owner, record
from tests.roles import as_writer

PEOPLE = 120
SEED = 3


def events_of(person: Person) -> Iterator[KeptEvent]:
    """Yield what the pipeline keeps of all that a person does."""
    told = [event for stay in walk(person, seed=SEED) for event in stay.events]
    for number, event in enumerate(told):
        for each in decode_events(record(event, offset=number, arrival_us=event["timestamp"] * 1000), POLICY):
            assert isinstance(each, KeptEvent)
            yield each


@pytest.fixture
def settings(database_url: str) -> Settings:
    return load_settings({"HXI_DATABASE_URL": database_url})


def orders(folder: Path, labels: Path) -> Order:
    return Order(labels, folder / "model.json", folder / "card.md", None, 0)


def write_labels(path: Path, rows: list[tuple[object, object, object]], header: str = "session,window,label") -> Path:
    with path.open("w", newline="") as file:
        file.write(header + "\n")
        csv.writer(file).writerows(rows)
    return path


async def fill(database_url: str, people: list[Person]) -> list[tuple[object, object, object]]:
    """Store what people do; return a label for each half minute, named by some time in it."""
    sink = PostgresSink(as_writer(database_url), "labels", FoldPolicy())
    owner = await Owner.of(sink)
    labels: dict[tuple[UUID, int], str] = {}
    for person in people:
        events = list(events_of(person))
        await owner.write(*events)
        labels |= {(e.session_id, e.time_us // WINDOW_US): EMOTION_OF[person.mood] for e in events}
    await sink.close()
    return [(key, moment(n * WINDOW_US + 29_000_000).isoformat() + "Z", label) for (key, n), label in labels.items()]


def test_labels_become_a_model_that_workers_take(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people = list(islice(arrivals(Traffic(moods=ALL_MOODS), seed=SEED, start_ms=START_MS), PEOPLE))
    rows = asyncio.run(fill(settings.database_url, people))
    nobody = (UUID(int=1), "2024-01-05T12:00:00", "bored")
    train_emotions(lambda: settings, orders(tmp_path, write_labels(tmp_path / "ours.csv", [*rows, nobody])))
    said = capsys.readouterr().err
    assert f"of {len(rows) + 1} labelled windows have events enough" in said
    card = (tmp_path / "card.md").read_text()
    model = load_settings({"HXI_EMOTION_MODEL": str(tmp_path / "model.json")}).fold_policy().emotions
    assert model.version == EmotionModel.load(tmp_path / "model.json").version
    assert model.version.startswith("ours-")
    assert card.startswith(f"# Emotion model `{model.version}`")
    macro_f1 = float(card.split("| model |")[1].split("|")[0])
    by_majority = float(card.split("| majority |")[1].split("|")[0])
    assert macro_f1 > by_majority + 0.3


LINES = [
    ("session,label", [], "has to begin with session,window,label, with commas"),
    ("session,window,label", [("x", "2024-01-05T12:00:00", "bored")], "line 2: needs a session's UUID"),
    ("session,window,label", [(UUID(int=1), "noon", "bored")], "line 2: needs .* ISO-8601 time, not .*'noon'"),
    ("session,window,label", [(UUID(int=1), "2024-01-05T12:00:00", "happy")], "line 2: the label 'happy' is none of"),
    ("session,window,label", [(UUID(int=1), "", "")], "line 2: the label '' is none of neutral, engaged"),
    ("session,window,label", [(UUID(int=1), "2024-01-05T12:00:00", "bored")], "too few"),
    ("session,window,label", [], "has no labels"),
    (
        "session,window,label",
        [(UUID(int=1), "2024-01-05T12:00:00", "bored"), (UUID(int=1), "2024-01-05T12:00:29", "neutral")],
        "line 3: this window is labelled bored before",
    ),
]


@pytest.mark.parametrize(("header", "rows", "says"), LINES)
def test_wrong_labels_are_refused_by_their_line(
    settings: Settings, tmp_path: Path, header: str, rows: list[tuple[object, object, object]], says: str
) -> None:
    path = write_labels(tmp_path / "labels.csv", rows, header)
    with pytest.raises(CommandFailed, match=says):
        train_emotions(lambda: settings, orders(tmp_path, path))
    assert not (tmp_path / "model.json").exists()


def test_labels_that_cannot_be_read_are_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"nothing\.csv cannot be read"):
        train_emotions(lambda: settings, orders(tmp_path, tmp_path / "nothing.csv"))
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CommandFailed, match=r"bytes\.csv cannot be read"):
        train_emotions(lambda: settings, orders(tmp_path, tmp_path / "bytes.csv"))


def test_a_database_that_is_away_is_said(tmp_path: Path) -> None:
    away = load_settings({"HXI_DATABASE_URL": "postgresql://127.0.0.1:1/nothing"})
    path = write_labels(tmp_path / "labels.csv", [(UUID(int=1), "2024-01-05T12:00:00", "bored")])
    with pytest.raises(CommandFailed, match="refused"):
        train_emotions(lambda: away, orders(tmp_path, path))
