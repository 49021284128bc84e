"""Decides what a flush says of users: one row per user, each fact with its event time; and who shares a session."""

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from pipeline.latest import Facts, dated, merge
from pipeline.moments import moment
from schema.rows import KeptEvent, SessionUserRow, UserRow

_FACTS = ("external_user_id", "email", "device_type", "locale")


def user_rows(events: Iterable[KeptEvent]) -> list[UserRow]:
    """Return a row per user named in ``events``, in the order in which writers lock them."""
    users: dict[UUID, tuple[int, Facts]] = {}
    for event in events:
        if event.user is None:
            continue
        user_id, *values = event.user
        first_us, facts = users.get(user_id, (event.time_us, {}))
        merge(facts, event.time_us, _FACTS, tuple(values))
        users[user_id] = (min(first_us, event.time_us), facts)
    return [_row(user_id, *users[user_id]) for user_id in sorted(users)]


def session_user_rows(events: Iterable[KeptEvent]) -> list[SessionUserRow]:
    """Return a row for each person of the sessions in which ``events`` name several: a session has one alone."""
    named = {(event.session_id, event.user.user_id) for event in events if event.user is not None}
    people = Counter(session_id for session_id, _ in named)
    return [SessionUserRow(*pair) for pair in named if people[pair[0]] > 1]


def _row(user_id: UUID, first_us: int, facts: Facts) -> UserRow:
    return UserRow(user_id, facts["external_user_id"][1], moment(first_us), *dated(facts, _FACTS[1:]))
