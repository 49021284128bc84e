"""``hxi dead-letters``: what was refused and why, and sending it in again."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from agents.arrivals import FIRST_ARRIVAL
from agents.commands.kafka import read_topic, sending
from agents.commands.output import CommandFailed, progress, say, show_table
from agents.settings import Settings

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def list_dead_letters(settings: Settings, reason: str | None, limit: int) -> None:
    """Show the newest dead letters, one a line."""
    letters = sorted(_letters(settings, reason), key=lambda record: record.timestamp)
    rows = [
        (
            _id(record),
            datetime.fromtimestamp(record.timestamp / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S"),
            _header(record, "reason"),
            _source(record),
            _header(record, "detail"),
        )
        for record in letters[-limit:]
    ]
    show_table("Dead letters", ("id", "at (UTC)", "reason", "source", "detail"), rows)
    say(f"{len(letters)} dead letters" + (f", the newest {limit} shown" if len(letters) > limit else ""))


def show_dead_letter(settings: Settings, letter_id: str) -> None:
    """Print one dead letter whole."""
    (record,) = _chosen(settings, [letter_id])
    for name, value in record.headers:
        print(f"{name}: {_text(value)}")
    print(f"key: {_text(record.key)}")
    print()
    print(_text(record.value))


def replay_dead_letters(settings: Settings, ids: list[str], reason: str | None, everything: bool) -> None:
    """Send dead letters back to the topics they came from, each with the time at which it arrived there first.

    Not as the record's own timestamp: retention goes by that, and might remove it before it is read. A letter that is
    there twice, as after a crash, is sent once.
    """
    if bool(ids) + bool(reason) + everything != 1:
        raise CommandFailed("say which to replay: their ids, or --reason, or --all")
    found = _chosen(settings, ids) if ids else _letters(settings, reason)
    letters = {_source(record): record for record in found}.values()
    known = {settings.events_topic, settings.replay_topic}
    with sending(settings) as send, progress("Replaying", len(letters)) as advance:
        for record in letters:
            topic = _header(record, "source_topic")
            if topic not in known:
                raise CommandFailed(f"{_id(record)} came from {topic!r}, which is not a topic of these settings")
            first_arrival = [(FIRST_ARRIVAL, value) for key, value in record.headers if key == "source_timestamp"]
            send(topic, record.key, record.value, headers=first_arrival)
            advance()
    say(f"replayed {len(letters)} dead letters")


def _letters(settings: Settings, reason: str | None) -> Iterator[Any]:
    for record in read_topic(settings, settings.dead_letter_topic):
        if reason is None or _header(record, "reason") == reason:
            yield record


def _chosen(settings: Settings, ids: list[str]) -> list[Any]:
    found = {_id(record): record for record in _letters(settings, None)}
    for letter_id in ids:
        if letter_id not in found:
            raise CommandFailed(f"there is no dead letter {letter_id}; hxi dead-letters list shows them")
    return [found[letter_id] for letter_id in ids]


def _id(record: Any) -> str:
    return f"{record.partition}:{record.offset}"


def _header(record: Any, name: str) -> str:
    return next((_text(value) for key, value in record.headers if key == name), "")


def _source(record: Any) -> str:
    place = f"{_header(record, 'source_topic')}[{_header(record, 'source_partition')}]"
    index = _header(record, "source_index")
    return f"{place}@{_header(record, 'source_offset')}" + (f".{index}" if index else "")


def _text(raw: bytes | None) -> str:
    """Return what a terminal may show: what senders wrote must not move its cursor, or worse."""
    text = "" if raw is None else raw.decode("utf-8", "backslashreplace")
    return _CONTROLS.sub(lambda match: f"\\x{ord(match.group()):02x}", text)
