"""``hxi replay``: a session's recording as rrweb's events, or as a page that plays it."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from agents.commands.output import CommandFailed, out, say
from agents.commands.whole_file import whole_file
from agents.replay_page import PlayerMissing, page
from agents.settings import Settings
from pipeline.recordings import Recording, events_of, examine, is_event
from pipeline.replay_offline import offline
from pipeline.sinks.contract import Unavailable
from pipeline.sinks.replays import StoredReplay, stored_replay
from schema.json_text import NotStorable, dump, dump_refused

Chunks = Iterable[tuple[int | None, Any]]


def replay_session(settings: Settings, session_id: UUID, outputs: Sequence[Path]) -> None:
    """Write the recording of a session to each of ``outputs``: a page to .html, rrweb's events to .json.

    What is at fault with it is said, and written all the same as far as it can be.
    """
    outputs = outputs or [Path(f"{session_id}.html")]
    for output in outputs:
        if output.suffix not in (".html", ".json"):
            raise CommandFailed(f"{output}: the name has to end with .html, for a page, or .json, for events")
    try:
        with stored_replay(settings.database_url, session_id) as replay:
            _write(session_id, replay, outputs)
    except Unavailable as error:
        raise CommandFailed(f"the database of HXI_DATABASE_URL failed: {error}") from None
    except PlayerMissing as error:
        raise CommandFailed(str(error)) from None


def _write(session_id: UUID, replay: StoredReplay, outputs: Sequence[Path]) -> None:
    recording = examine(replay.chunks(), is_removed=bool(replay.is_removed()))
    if not recording.chunks:
        raise CommandFailed(f"of session {session_id} {_why_nothing(replay)}")
    for output in outputs:
        if output.suffix == ".json":
            parts: Iterable[bytes] = array(_stored(replay.chunks()))
        elif recording.can_be_shown:
            parts = (part.encode() for part in page(session_id, recording, array(_shown(replay.chunks()))))
        else:
            raise CommandFailed(f"no page can show session {session_id}: {'; '.join(map(str, recording.faults))}")
        with whole_file(output) as path, path.open("wb") as file:
            file.writelines(parts)
        out.print(str(output), markup=False)
    _tell(recording)


def array(values: Iterable[Any]) -> Iterator[bytes]:
    """Yield a JSON array of ``values`` in parts."""
    before = b"["
    for value in values:
        yield before + _dumped(value)
        before = b",\n"
    yield b"[]" if before == b"[" else b"]"


def _shown(chunks: Chunks) -> Iterator[Any]:
    return (offline(each) for each in _stored(chunks) if is_event(each))


def _stored(chunks: Chunks) -> Iterator[Any]:
    return (each for index, data in chunks if index is not None for each in events_of(data))


def _dumped(value: Any) -> bytes:
    try:
        return dump(value)
    except NotStorable:  # a number that others stored, and Python has no room for
        return dump_refused(value)


def _why_nothing(replay: StoredReplay) -> str:
    removed = replay.is_removed()
    if removed is None:
        return "nothing is known"
    return "retention has removed the replay" if removed else "no replay was recorded"


def _tell(recording: Recording) -> None:
    say(f"{recording.events} events in {recording.chunks} chunks")
    for fault in recording.faults:
        say(f"does not play as it was: {fault}")
