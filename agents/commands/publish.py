"""``hxi publish``: JSON Lines to the topics, each record keyed by its session, however its id is spelt.

Lines go out byte for byte, but for a batch of several sessions: it becomes a batch for each,
so that the records of a session share a partition.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic_core import PydanticKnownError

from agents.commands.kafka import Send, sending
from agents.commands.lines import read_lines, size_of
from agents.commands.output import CommandFailed, progress, say
from agents.settings import Settings
from schema.fields import session_id as read_session_id
from schema.json_text import NotJson, dump, parse


def publish_files(settings: Settings, files: list[Path]) -> None:
    """Send every line; says which could not be sent, and fails if there were any."""
    sent = refused = 0
    with sending(settings) as send, progress("Publishing", size_of(files)) as advance:
        for line in read_lines(files):
            try:
                sent += _publish_line(settings, send, line.raw)
            except ValueError as error:
                refused += 1
                say(f"{line}: {error}")
            advance(len(line.raw) + 1)
    say(f"published {sent} records")
    if refused:
        raise CommandFailed(f"{refused} lines were not sent: they have no session to be keyed by")


def _publish_line(settings: Settings, send: Send, raw: bytes) -> int:
    """Send one line and return how many records it became.

    Raises:
        ValueError: it is no JSON object, or names no session.
    """
    message = _read_object(raw)
    topic = settings.replay_topic if "chunk_index" in message else settings.events_topic
    count = 0
    for session_id, value in _by_session(message, raw):
        send(topic, session_id.encode(), value)
        count += 1
    return count


def _read_object(raw: bytes) -> dict[str, Any]:
    try:
        message = parse(raw)
    except NotJson as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(message, dict):
        raise ValueError("not a JSON object")
    return message


def _by_session(message: dict[str, Any], raw: bytes) -> Iterator[tuple[str, bytes]]:
    shared = message.get("session_id")
    events = message.get("events")
    if not isinstance(events, list):
        yield _key(shared), raw
        return
    sessions: dict[str, list[Any]] = {}
    for event in events:
        own = event.get("session_id", shared) if isinstance(event, dict) else shared
        sessions.setdefault(_key(own), []).append(event)
    if len(sessions) <= 1:
        yield (next(iter(sessions)) if sessions else _key(shared)), raw
        return
    for session_id, its_events in sessions.items():
        yield session_id, dump({**message, "session_id": session_id, "events": its_events})


def _key(session_id: Any) -> str:
    if not isinstance(session_id, str) or not session_id:
        raise ValueError("no session_id")
    try:
        return str(read_session_id(session_id))
    except PydanticKnownError:
        return session_id  # a worker says what is wrong with it
