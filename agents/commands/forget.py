"""``hxi forget``: erases people and sessions from the database, and from topics as far as Kafka lets one.

The database comes first and does not wait for Kafka. Records cannot be removed from a topic: where it is
compacted, a tombstone has the records of a key removed; elsewhere they expire, and it is said when. How a sender spelt
a session's id in its keys is stored nowhere, so that each spelling that is usual gets a tombstone.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import typer

from agents.advice import advised
from agents.commands.kafka import sending
from agents.commands.output import CommandFailed, say, show_table
from agents.commands.retention import Retention, retentions
from agents.kafka_clients import BrokerUnavailable
from agents.settings import Settings
from pipeline.sinks.contract import Unavailable
from pipeline.sinks.erasure import Erased, NotErased, erase
from pipeline.sinks.migrations import SchemaMismatch, check_schema


def forget(settings: Settings, users: Sequence[str], sessions: Sequence[UUID], yes: bool) -> None:
    """Erase these people with all sessions that named them, and these sessions, and say what is left elsewhere."""
    if not users and not sessions:
        raise CommandFailed("say who is to be forgotten: --user, or --session, or several of them")
    asked = [*(f"user {user}" for user in users), *(f"session {session}" for session in sessions)]
    if not (yes or typer.confirm(f"Erase {', '.join(asked)} for good?", err=True)):
        raise CommandFailed("nothing was erased")
    erased = _erase(settings, users, sessions)
    if erased.something:
        show_table("Erased", ("table", "rows"), list(erased.rows.items()))
        say("Sums over all sessions (latency_rollups) stay: they name nobody. Backups have to be dealt with apart.")
    all_sessions = sorted({*erased.session_ids, *sessions})
    if all_sessions:
        _forget_in_topics(settings, all_sessions)
    if not erased.something:
        raise CommandFailed(f"nothing was found in the database of {' and '.join(asked)}")


def _erase(settings: Settings, users: Sequence[str], sessions: Sequence[UUID]) -> Erased:
    try:
        check_schema(settings.database_url)  # a newer one has tables that this program does not know
        return erase(settings.database_url, users, sessions)
    except Unavailable as error:
        raise CommandFailed(f"nothing was erased, the database of HXI_DATABASE_URL failed: {advised(error)}") from None
    except (SchemaMismatch, NotErased) as error:
        raise CommandFailed(f"nothing was erased: {error}") from None


def _forget_in_topics(settings: Settings, sessions: Sequence[UUID]) -> None:
    """Send tombstones where they help, and tell how long the rest stays.

    Raises:
        CommandFailed: a broker did not answer; the text says how to do that later.
    """
    try:
        topics = retentions(settings)
        compacted = [name for name in _sources(settings) if name in topics and topics[name].is_compacted]
        if compacted:
            _bury(settings, compacted, sessions)
    except (BrokerUnavailable, CommandFailed) as error:
        later = " ".join(f"--session {session}" for session in sessions)
        raise CommandFailed(
            f"what the database had of it is erased, but the topics could not be dealt with ({error});"
            f" when the broker answers again: hxi forget --yes {later}"
        ) from None
    _tell(settings, topics)
    if compacted:
        spelt = [key for session in sessions for key in _keys(session)]
        say(f"{len(spelt) * len(compacted)} tombstones were sent; workers count each as a dead letter (empty).")
        say(
            f"That is {len(spelt) // len(sessions)} for each session and topic: the usual spellings of its id as a key."
        )
        say("Records with other keys, or in another partition than Kafka's default one for their key, are not reached.")
    say("What comes, or is still unread, of these sessions from now on is stored as new: then run this again.")


def _sources(settings: Settings) -> tuple[str, str]:
    return settings.events_topic, settings.replay_topic


def _bury(settings: Settings, topics: Sequence[str], sessions: Sequence[UUID]) -> None:
    with sending(settings) as send:
        for topic in topics:
            for session in sessions:
                for key in _keys(session):
                    send(topic, key, None)


def _keys(session: UUID) -> list[bytes]:
    """Return the keys that records of ``session`` are likely to have: what is read as its id, but for mixed case."""
    plain = (str(session), session.hex)
    dressed = (f"{{{session}}}", session.urn)
    upper = (*(text.upper() for text in (*plain, dressed[0])), f"urn:uuid:{str(session).upper()}")
    return [text.encode() for text in (*plain, *dressed, *upper)]


def _tell(settings: Settings, topics: Mapping[str, Retention]) -> None:
    rows = [
        (
            name,
            "compacted" if topic.is_compacted else "by age",
            "sent" if topic.is_compacted and name in _sources(settings) else "none",
            _gone(topic),
        )
        for name, topic in topics.items()
    ]
    show_table("Records that topics still hold", ("topic", "cleanup", "tombstones", "gone by (UTC)"), rows)


def _gone(topic: Retention) -> str:
    """Say when a record that is in the topic now will have been removed."""
    if topic.expires_ms is None:
        return "at the broker's next compaction" if topic.is_compacted else "never: the topic has no retention.ms"
    try:
        return (datetime.now(UTC) + timedelta(milliseconds=topic.expires_ms)).strftime("%Y-%m-%d %H:%M")
    except OverflowError:
        return "not in our time: retention.ms is too long"
