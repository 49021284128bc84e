"""Removes what is older than a policy allows, in many short transactions, while workers go on.

A session is old by the arrival of its newest record, once it has ended and been judged. Its rows go table by table, in
the end the session with what is left of it. One that loses events or results is marked in the same transaction: results
no longer follow from what is stored, so those who write and judge leave alone what is left of them.

Nobody is waited for: what others hold is left to the next run. So nobody deadlocks, and nobody waits longer than for
one of these transactions.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg.errors import InsufficientPrivilege
from psycopg.sql import SQL, Identifier

from pipeline.sinks.connection import CONNECT_TIMEOUT_S, IDLE_IN_TRANSACTION_TIMEOUT_MS, one_line, session_name
from pipeline.sinks.contract import Unavailable
from schema.rows import Partition
from schema.sql import query

MOST_SESSIONS = 100
MOST_ROWS = 1_000
"""Of each table in a transaction."""

_SETTINGS = {
    "lock_timeout": "5s",  # rows are never waited for; who alters a table is
    "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_TIMEOUT_MS),
    "synchronous_commit": "off",  # what a crash of the server brings back is removed by the next run
}

BEHIND_S = 600
"""Workers that keep up note it every few seconds, or as soon as a burst of records is over."""

Rows = dict[str, int]
"""How many rows, by table."""

Connection = psycopg.Connection[Any]


class Behind(NamedTuple):
    """A partition that ``app_id`` has not read to its end ``since`` then (UTC), for so many seconds; None: never."""

    app_id: str
    partition: Partition
    since: datetime | None
    age_s: float | None


class NotRemoved(Exception):
    """The database refused, or cannot tell what is old; what was removed before stays removed."""


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """For how many days each table's rows stay; None is for good. A session takes all that is left of it along.

    What events were split into, latency metrics and error logs, goes with them unless it has days of its own.
    """

    events_days: int | None = None
    replays_days: int | None = None
    sessions_days: int | None = None
    rollups_days: int | None = None
    latency_metrics_days: int | None = None
    error_logs_days: int | None = None
    rage_clicks_days: int | None = None
    heatmap_points_days: int | None = None
    journey_steps_days: int | None = None
    emotions_days: int | None = None

    @property
    def days(self) -> dict[str, int | None]:
        """Return, by table, the days that are its own; rollups by that name."""
        return {
            "session_replay_chunks": self.replays_days,
            "events": self.events_days,
            "latency_metrics": self.latency_metrics_days or self.events_days,
            "error_logs": self.error_logs_days or self.events_days,
            "rage_click_events": self.rage_clicks_days,
            "heatmap_points": self.heatmap_points_days,
            "journey_steps": self.journey_steps_days,
            "emotion_predictions": self.emotions_days,
            "sessions": self.sessions_days,
            "rollups": self.rollups_days,
        }

    def before(self, moment: datetime) -> dict[str, datetime | None]:
        """Return, by table, before when what goes at ``moment`` was last added to."""
        return {table: None if days is None else moment - timedelta(days=days) for table, days in self.days.items()}

    def kept(self) -> dict[str, int]:
        """Return for how many days a row of each table stays at the most, of those that do not stay for good."""
        own = self.days
        of_sessions, of_rollups = own.pop("sessions"), own.pop("rollups")
        whole = dict.fromkeys(("users", "sessions", "experience_scores"), of_sessions) | {"latency_rollups": of_rollups}
        found = whole | {table: days or of_sessions for table, days in own.items()}
        return {table: days for table, days in found.items() if days is not None}


class _Part(NamedTuple):
    """What of sessions goes: rows of which tables, and the bit of ``sessions.swept`` that says so."""

    tables: tuple[str, ...]
    swept: int

    @property
    def is_final(self) -> bool:
        """Return whether results no longer follow from what is left. Nothing follows from replay chunks."""
        return self.tables != ("session_replay_chunks",)


_TABLES = (
    "session_replay_chunks",
    "events",
    "latency_metrics",
    "error_logs",
    "rage_click_events",
    "heatmap_points",
    "journey_steps",
    "emotion_predictions",
)
"""Those whose rows may go before their session, each with a bit of ``sessions.swept`` in this order."""

_PARTS = {table: _Part((table,), 1 << bit) for bit, table in enumerate(_TABLES)} | {"sessions": _Part(_TABLES, 0)}


class OldRows:
    """What is older than ``policy`` allows in the database at ``url``.

    Days are counted back from the moment up to which the workers of ``app_id`` have read every partition of ``topics``,
    and those of other applications in this database theirs: what is unread may be of a session that only looks old.
    """

    def __init__(self, url: str, app_id: str, topics: Collection[str], policy: RetentionPolicy) -> None:
        self._url = url
        self._app_id = app_id
        self._topics = list(topics)
        self._policy = policy

    def count(self) -> Rows:
        """Return how many rows of each table are old.

        Raises:
            Unavailable: the server cannot be reached, lets nobody in, or somebody alters a table.
            NotRemoved: it refused for another reason, or nobody can tell what is old.
        """
        with self._connected() as connection:
            return dict(connection.execute(query("old_rows"), self._before(connection)).fetchall())

    def remove(self) -> Iterator[Rows]:
        """Remove them; yield after each transaction how many rows it took. Raises as :meth:`count` does."""
        with self._connected() as connection:
            before = self._before(connection)
            for name, part in _PARTS.items():
                if (moment := before[name]) is not None:
                    for session_ids in _old_sessions(connection, part, moment):
                        yield from _remove(connection, part, moment, session_ids)
            if (moment := before["rollups"]) is not None:
                yield from _remove_rollups(connection, moment)

    def behind(self) -> Behind | None:
        """Return the partition that is behind the longest, and so says what is old; None where none is to speak of.

        Raises as :meth:`count` does.
        """
        with self._connected() as connection:
            return self._furthest_behind(connection)

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        shown = session_name(self._app_id, "retention")
        try:
            with psycopg.connect(
                self._url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, application_name=shown
            ) as connection:
                for name, value in _SETTINGS.items():
                    connection.execute("SELECT set_config(%s, %s, false)", [name, value])
                yield connection
        except InsufficientPrivilege as error:
            raise NotRemoved(f"{one_line(error)}: only members of hxi_owner may remove rows") from error
        except psycopg.OperationalError as error:
            raise Unavailable(one_line(error)) from error
        except psycopg.Error as error:
            raise NotRemoved(one_line(error)) from error

    def _before(self, connection: Connection) -> dict[str, datetime | None]:
        asked = {"app_id": self._app_id, "topics": self._topics}
        ((moment,),) = connection.execute(query("caught_up"), asked).fetchall()
        if moment is None:
            raise NotRemoved(self._why_unknown(connection))
        return self._policy.before(moment)

    def _furthest_behind(self, connection: Connection) -> Behind | None:
        asked = {"app_id": self._app_id, "topics": self._topics, "behind_s": BEHIND_S}
        for app_id, topic, number, since, age_s in connection.execute(query("furthest_behind"), asked).fetchall():
            return Behind(app_id, Partition(topic, number), since, None if age_s is None else float(age_s))
        return None

    def _why_unknown(self, connection: Connection) -> str:
        behind = self._furthest_behind(connection)
        if behind is None or behind.since is not None:
            return f"no worker of {self._app_id} has read {' or '.join(self._topics)} yet"
        unread = f"{behind.partition.topic}[{behind.partition.number}] never was"
        return f"the workers of {behind.app_id} have not read every partition to its end yet: {unread}"


def _old_sessions(connection: Connection, part: _Part, before: datetime) -> Iterator[list[UUID]]:
    """Yield the sessions that are still to be swept of ``part``, the oldest first of those swept of the same.

    Where nothing is old that is a question of 0.4 ms for each of the 128 ways in which others may have been swept, and
    10 µs for each session that is, however many are done with (200 000 sessions of all 256 ways, busy cores).
    """
    for swept in range(1 << len(_TABLES)):
        if swept & part.swept:
            continue
        after = (datetime.min, UUID(int=0))  # noqa: DTZ901 - rows hold naive UTC
        while True:
            asked = {"swept": swept, "before": before, "after": after[0], "after_id": after[1]}
            found = connection.execute(query("old_sessions"), asked | {"most": MOST_SESSIONS}).fetchall()
            if not found:
                break
            after = found[-1]
            yield [session_id for _, session_id in found]


def _remove(connection: Connection, part: _Part, before: datetime, session_ids: list[UUID]) -> Iterator[Rows]:
    is_done = False
    while not is_done:
        with connection.transaction():
            held = _ids(connection, "hold_old_sessions", session_ids=session_ids, before=before)
            session_ids = _ids(connection, "judged_sessions", session_ids=held)
            rows, is_done = _remove_some(connection, part, session_ids)
        yield rows


def _remove_some(connection: Connection, part: _Part, session_ids: list[UUID]) -> tuple[Rows, bool]:
    """Remove what one transaction may of these sessions, which are held; return whether that was all."""
    rows: Rows = {}
    for table in part.tables:
        rows[table] = _remove_from(connection, table, session_ids)
        if rows[table] == MOST_ROWS:
            break
    is_done = MOST_ROWS not in rows.values()
    noted = {"tables": list(rows), "swept": part.swept if is_done else 0, "is_final": part.is_final}
    connection.execute(query("note_removed"), noted | {"session_ids": session_ids})
    if part.swept or not is_done:
        return rows, is_done
    rest = _remove_with_users(connection, session_ids)
    return {table: rows.get(table, 0) + more for table, more in rest.items()}, True


def _remove_from(connection: Connection, table: str, session_ids: list[UUID]) -> int:
    statement = SQL(query("remove_events" if table == "events" else "remove_rows")).format(table=Identifier(table))
    ((rows,),) = connection.execute(statement, {"session_ids": session_ids, "most": MOST_ROWS}).fetchall()
    return int(rows)


def _remove_with_users(connection: Connection, session_ids: list[UUID]) -> Rows:
    """Remove what is left of these sessions, and people with their last one.

    A session whose person somebody else holds stays: two who remove a person's last two sessions at once would each
    see the other's, and leave the person.
    """
    held = _ids(connection, "hold_their_users", session_ids=session_ids)
    going = _ids(connection, "sessions_of_users", session_ids=session_ids, user_ids=held)
    user_ids = _ids(connection, "users_without_others", session_ids=going, user_ids=held)
    return dict(connection.execute(query("erase"), {"user_ids": user_ids, "session_ids": going}).fetchall())


def _remove_rollups(connection: Connection, before: datetime) -> Iterator[Rows]:
    is_done = False
    while not is_done:
        rows: Rows = dict(connection.execute(query("remove_rollups"), {"before": before, "most": MOST_ROWS}).fetchall())
        is_done = sum(rows.values()) < MOST_ROWS
        yield rows


def _ids(connection: Connection, name: str, **parameters: Any) -> list[UUID]:
    return [found for (found,) in connection.execute(query(name), parameters)]
