"""``hxi replay`` against PostgreSQL: what is stored comes out, in order, and what is wrong with it is said."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from agents.commands.output import CommandFailed
from agents.commands.replay import replay_session
from agents.settings import Settings, load_settings
from tests.builders import OTHER_SESSION, SESSION
from tests.replays import RECORDED, recorded_chunks, store
from tests.roles import as_analyst, as_writer

META = {"type": 4, "timestamp": 1, "data": {"href": "https://shop.example/", "width": 800, "height": 600}}
SNAPSHOT = {"type": 2, "timestamp": 2, "data": {"node": {"type": 0, "id": 1, "childNodes": []}}}
CHANGE = {"type": 3, "timestamp": 3, "data": {"source": 1}}


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Those of somebody who may read and no more."""
    return load_settings({"HXI_DATABASE_URL": as_analyst(database_url)})


@pytest.fixture
def fake_player(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A player that is none: what plays is tried in a browser."""
    for name in ("rrweb-player.umd.min.cjs", "style.min.css"):
        (tmp_path / name).write_text("", "utf-8")
    monkeypatch.setattr("agents.replay_page.PLAYER", tmp_path)


def exported(settings: Settings, session_id: UUID, folder: Path) -> list[Any]:
    replay_session(settings, session_id, [folder / "events.json"])
    events = json.loads((folder / "events.json").read_bytes())
    assert isinstance(events, list)
    return events


def test_events_come_out_as_they_are_stored_and_in_order(
    settings: Settings, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chunks = list(recorded_chunks())
    store(database_url, RECORDED, reversed(chunks))
    store(database_url, SESSION, [(0, [META])])
    assert exported(settings, RECORDED, tmp_path) == [event for _, data in chunks for event in data]
    assert capsys.readouterr() == (f"{tmp_path}/events.json\n", "272 events in 16 chunks\n")


def test_every_digit_that_is_stored_comes_out(settings: Settings, database_url: str, tmp_path: Path) -> None:
    store(database_url, SESSION, [(0, [META])])
    number = "123456789012345678901234567890"
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO session_replay_chunks (session_id, chunk_index, chunk_data) VALUES (%s, 1, %s)",
            [SESSION, f'[{{"type": 5, "timestamp": 3, "data": [{number}, 1e400, 0.1, "\\u2028"]}}]'],
        )
    replay_session(settings, SESSION, [tmp_path / "events.json"])
    text = (tmp_path / "events.json").read_text("utf-8")
    assert f"[{number},1{'0' * 400},0.1," in text


def test_both_files_may_be_had_at_once(
    settings: Settings, database_url: str, tmp_path: Path, fake_player: None, capsys: pytest.CaptureFixture[str]
) -> None:
    store(database_url, SESSION, [(0, [META, SNAPSHOT]), (1, [CHANGE, "packed"])])
    outputs = [tmp_path / "a.html", tmp_path / "a.json"]
    replay_session(settings, SESSION, outputs)
    said = capsys.readouterr()
    assert said.out == "".join(f"{output}\n" for output in outputs)
    assert said.err == "3 events in 2 chunks\ndoes not play as it was: packed: 1\n"
    assert json.loads(outputs[1].read_text("utf-8")) == [META, SNAPSHOT, CHANGE, "packed"]
    page = outputs[0].read_text("utf-8")
    assert "Does not play as it was: packed: 1." in page
    assert '"packed"' not in page


def test_without_a_name_the_page_is_called_as_the_session(
    settings: Settings, database_url: str, tmp_path: Path, fake_player: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(database_url, SESSION, [(0, [META, SNAPSHOT])])
    monkeypatch.chdir(tmp_path)
    replay_session(settings, SESSION, [])
    assert (tmp_path / f"{SESSION}.html").is_file()


@pytest.mark.parametrize(
    ("chunks", "said"),
    [
        ([(0, [META, CHANGE])], "no page can show session .*: no full snapshot"),
        ([(0, [SNAPSHOT])], "no page can show session .*: too few events; no meta"),
        ([(0, "packed")], "no page can show session .*: packed: 0; too few events; no full snapshot"),
        ([(0, [META | {"data": {}}, SNAPSHOT | {"data": {}}])], "no page can show session .*: unreadable: 0; too few"),
        ([(None, [META, SNAPSHOT])], "no page can show session .*: missing chunk; too few events"),
        ([], "of session .* no replay was recorded"),
    ],
)
def test_what_no_page_can_show_makes_none(
    settings: Settings,
    database_url: str,
    tmp_path: Path,
    fake_player: None,
    chunks: list[tuple[int | None, Any]],
    said: str,
) -> None:
    store(database_url, SESSION, chunks)
    with pytest.raises(CommandFailed, match=said):
        replay_session(settings, SESSION, [tmp_path / "a.html"])
    assert not list(tmp_path.glob("*.html"))


def test_a_replay_that_retention_has_removed_is_said_to_be(
    settings: Settings, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store(database_url, SESSION, [])
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE sessions SET removed = ARRAY['session_replay_chunks']")
    with pytest.raises(CommandFailed, match=f"of session {SESSION} retention has removed the replay"):
        exported(settings, SESSION, tmp_path)
    with pytest.raises(CommandFailed, match=f"of session {OTHER_SESSION} nothing is known"):
        exported(settings, OTHER_SESSION, tmp_path)
    store(database_url, SESSION, [(4, [CHANGE])])
    exported(settings, SESSION, tmp_path)
    assert "does not play as it was: removed\ndoes not play as it was: missing chunk: 0, 1" in capsys.readouterr().err


def test_chunks_that_others_left_empty_are_told_as_the_view_does(
    settings: Settings, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store(database_url, SESSION, [(0, [META, SNAPSHOT])])
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO session_replay_chunks (session_id, chunk_index) VALUES (%s, 1), (%s, NULL)", [SESSION, SESSION]
        )
        found = connection.execute("SELECT reason FROM analytics.replays").fetchall()
    assert exported(settings, SESSION, tmp_path) == [META, SNAPSHOT, None]
    faults = [line for line in capsys.readouterr().err.splitlines() if line.startswith("does not play")]
    assert (found, faults) == (
        [("missing_chunk",)],
        ["does not play as it was: missing chunk", "does not play as it was: unreadable: 1"],
    )


def test_a_file_is_there_whole_or_not_at_all(
    settings: Settings, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(database_url, SESSION, [(0, [META, SNAPSHOT])])
    (tmp_path / "old.html").write_text("old", "utf-8")
    monkeypatch.setattr("agents.commands.replay.page", _fills_the_disk)
    with pytest.raises(CommandFailed, match=r"cannot be written: No space left on device"):
        replay_session(settings, SESSION, [tmp_path / "old.html"])
    assert [(file.name, file.read_text("utf-8")) for file in tmp_path.iterdir()] == [("old.html", "old")]


def _fills_the_disk(*_: Any) -> Any:
    yield "half"
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("name", ["replay.txt", "replay", "replay.HTML"])
def test_a_name_that_says_no_form_is_refused(settings: Settings, tmp_path: Path, name: str) -> None:
    with pytest.raises(CommandFailed, match=r"has to end with \.html, for a page, or \.json, for events"):
        replay_session(settings, SESSION, [tmp_path / name])


def test_what_a_login_may_not_read_is_said(database_url: str, tmp_path: Path) -> None:
    settings = load_settings({"HXI_DATABASE_URL": as_writer(database_url)})
    with pytest.raises(CommandFailed, match="HXI_DATABASE_URL failed: permission denied for table session_replay_ch"):
        exported(settings, SESSION, tmp_path)


def test_a_server_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    settings = load_settings({"HXI_DATABASE_URL": "postgresql://127.0.0.1:1/nothing"})
    with pytest.raises(CommandFailed, match="HXI_DATABASE_URL failed: connection failed"):
        exported(settings, SESSION, tmp_path)
