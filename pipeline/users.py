"""Decides what a flush says of users: one row per user, each fact with its event time."""

from collections.abc import Iterable
from uuid import UUID

from pipeline.latest import Facts, dated, merge
from pipeline.moments import moment
from schema.rows import KeptEvent, UserRow

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


def _row(user_id: UUID, first_us: int, facts: Facts) -> UserRow:
    return UserRow(user_id, facts["external_user_id"][1], moment(first_us), *dated(facts, _FACTS[1:]))
