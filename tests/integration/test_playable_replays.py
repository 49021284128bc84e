"""``hxi replay`` and the view ``analytics.replays`` find the same fault first, whatever chunks there are."""

import random
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg

from pipeline.recordings import examine
from tests.builders import numbered
from tests.replays import store
from tests.roles import as_analyst

RECORDINGS = 300
SEED = 5


DATA: dict[int, list[Any]] = {
    4: [{"width": 800, "height": 600.5}] * 40 + [None, {}, [], {"width": 800}, {"width": "800", "height": 600}],
    2: [{"node": {"type": 0}}] * 40 + [None, {}, "data", {"node": None}, {"node": []}],
}
"""Of metas and full snapshots, of few of which a player can make a page."""


def chunks(chance: random.Random) -> Iterator[tuple[int | None, Any]]:
    """Yield chunks, most of them well."""
    index, time_ms = chance.choice((-1, 1)) if chance.random() < 0.05 else 0, 1_000
    for n in range(chance.choice((1, 2, 3, 6))):
        events: list[Any] = []
        for kind in ([4, 2] if n == 0 else []) + chance.choices([3, 5], k=chance.randrange(3)):
            time_ms += chance.choice((0, 5, 5, 5, -1) if chance.random() < 0.1 else (0, 5))
            data = chance.choice(DATA.get(kind, [{}]))
            events.append({"type": kind, "timestamp": time_ms + chance.choice((0, 0.5)), "data": data})
        if chance.random() < 0.15:
            chance.shuffle(events)
        if chance.random() < 0.1:
            events.pop() if events else None
        if chance.random() < 0.05:
            events.insert(chance.randrange(len(events) + 1), chance.choice(("packed", None, {"type": 3}, [])))
        yield index, chance.choice(("packed", {}, 7)) if chance.random() < 0.02 else events
        index += chance.choice((0, 2) if chance.random() < 0.1 else (1,))
    if chance.random() < 0.05:
        yield None, None


def test_the_command_and_the_view_agree(own_database: str) -> None:
    chance = random.Random(SEED)
    expected: dict[UUID, str | None] = {}
    removed: list[UUID] = []
    for n in range(RECORDINGS):
        recording = list(chunks(chance))
        store(own_database, numbered(n), recording)
        is_removed = chance.random() < 0.05
        if is_removed:
            removed.append(numbered(n))
        expected[numbered(n)] = next((fault.reason for fault in examine(recording, is_removed).faults), None)
    with psycopg.connect(own_database) as connection:
        connection.execute(
            "UPDATE sessions SET removed = ARRAY['events', 'session_replay_chunks'] WHERE session_id = ANY (%s)",
            [removed],
        )
    with psycopg.connect(as_analyst(own_database)) as connection:
        found: dict[UUID, str | None] = dict(
            connection.execute("SELECT session_id, reason FROM analytics.replays").fetchall()
        )
    assert found == expected
    assert set(expected.values()) == {
        None,
        "removed",
        "repeated_chunk",
        "missing_chunk",
        "packed",
        "unreadable",
        "too_few_events",
        "no_full_snapshot",
        "no_meta",
        "out_of_order",
    }
