"""Rows typed by hand, inserted plainly, as others may: sessions by name, times in seconds after noon."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import md5
from typing import Any, Self
from uuid import UUID

import psycopg

from pipeline.moments import moment
from tests.builders import at

PERIOD = (moment(at(0)), moment(at(3600)))
"""The hour after noon."""

ROBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
PHONE = "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 Chrome/131.0.0.0 Mobile Safari/537.36"

_KNOWN = """
    INSERT INTO hxi_state.user_agents (digest, device_class, is_bot, judged_by)
    SELECT sha256(convert_to(v.user_agent, 'UTF8')), v.device_class, v.is_bot, 'hand'
    FROM (VALUES (%s, 'other', true), (%s, 'mobile', false)) AS v (user_agent, device_class, is_bot)
    ON CONFLICT DO NOTHING
"""


def session_id(name: str) -> UUID:
    """Return the id of the session that tests call ``name``."""
    return UUID(md5(name.encode(), usedforsecurity=False).hexdigest())


class Rows:
    """A database to insert into and to ask; a session whose name begins with ``bot`` or ``phone`` is one's."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._connection = connection
        self._sessions: set[str] = set()

    @classmethod
    @contextmanager
    def of(cls, url: str) -> Iterator[Self]:
        """Connect as somebody who may do both."""
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_KNOWN, (ROBOT, PHONE))
            yield cls(connection)

    def add(self, table: str, session: str, **values: Any) -> None:
        """Insert a row; ``…_at`` columns are said in seconds after noon."""
        if session not in self._sessions:
            self._sessions.add(session)
            agent = ROBOT if session.startswith("bot") else PHONE if session.startswith("phone") else None
            said = (session_id(session), agent)
            self._connection.execute("INSERT INTO sessions (session_id, user_agent) VALUES (%s, %s)", said)
        names = ", ".join(["session_id", *values])
        places = ", ".join(["%s"] * (len(values) + 1))
        statement = f"INSERT INTO {table} ({names}) VALUES ({places})"
        self._connection.execute(statement.encode(), (session_id(session), *values.values()))

    def journey(self, session: str, steps: str) -> None:
        """Insert steps said as ``"A 0, B 10.5"``: a screen, and when."""
        for number, step in enumerate(steps.split(", "), 1):
            screen, seconds = step.split()
            self.add(
                "journey_steps",
                session,
                step_number=number,
                screen_name=screen,
                event_time=moment(at(float(seconds))),
            )

    def say_removed(self, session: str, table: str) -> None:
        """Note of a session what `hxi retention` notes when it has removed rows of ``table``."""
        note = "UPDATE sessions SET removed = array_append(removed, %s) WHERE session_id = %s"
        self._connection.execute(note, (table, session_id(session)))

    def ask(self, question: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of an answer."""
        return self._connection.execute(question.encode(), parameters or None).fetchall()

    def ask_of(self, function: str, *more: Any, columns: str = "*") -> list[tuple[Any, ...]]:
        """Return the rows of a function of ``analytics`` for the hour after noon."""
        places = ", ".join(["%s"] * (2 + len(more)))
        return self.ask(f"SELECT {columns} FROM analytics.{function}({places})", *PERIOD, *more)
