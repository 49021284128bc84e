"""The loads that are measured: single clicks, and the simulated shop's mix of everything, one by one and in batches."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from agents.commands.generate import dumps
from pipeline.simulation import Traffic, simulate

EVENTS_PER_SESSION = 100
SESSIONS_AT_ONCE = 200
"""As many people at a time as the simulation's default has."""

BEGAN_MS = int(time.time() * 1000) - 86_400_000
"""Yesterday: late enough for the broker to keep the records, early enough for the mix to end before now."""


class Message(NamedTuple):
    """One record to be published; without a ``timestamp_ms`` the producer dates it."""

    key: bytes
    value: bytes
    timestamp_ms: int | None


def message(event: Mapping[str, Any], timestamp_ms: int | None = None) -> Message:
    """Return the record that carries ``event``, keyed by its session."""
    value = json.dumps(event, separators=(",", ":")).encode()
    return Message(event["session_id"].encode(), value, timestamp_ms)


def pointed(session_id: UUID, number: int, kind: str, page: str, spot: int) -> dict[str, Any]:
    """Return event ``number`` of all, of a pointer at ``spot`` of a product's page; it is not dated."""
    return {
        "session_id": str(session_id),
        "event_uuid": str(UUID(int=0xE0E0_0000_0000_4000_8000_0000_0000_0000 + number)),
        "event_type": kind,
        "page_url": f"https://shop.example/products/{page}",
        "element_id": f"button-{spot * 7 % 40}",
        "x": spot * 31 % 1280,
        "y": spot * 17 % 4000,
        "viewport_width": 1280,
        "viewport_height": 720,
    }


def clicks(events: int) -> Iterator[Message]:
    """Yield single clicks of sessions that take turns, each new to the worker, each page seen some ten times."""
    for number in range(events):
        generation, turn = divmod(number, SESSIONS_AT_ONCE * EVENTS_PER_SESSION)
        session = generation * SESSIONS_AT_ONCE + turn % SESSIONS_AT_ONCE
        nth = turn // SESSIONS_AT_ONCE
        session_id = UUID(int=0xC11C_0000_0000_4000_8000_0000_0000_0000 + session)
        page = f"{(session + nth // 10) % 500}?visit={session}"
        yield message(pointed(session_id, number, "click", page, number) | {"timestamp": BEGAN_MS + number})


def mix(events: int, batch_size: int = 1, arrivals: int = 1) -> Iterator[Message]:
    """Yield what the simulated shop's visitors send, by default one event per record, or ``arrivals`` times as many."""
    traffic = Traffic(batch_size=batch_size)
    traffic = replace(traffic, sessions_per_minute=arrivals * traffic.sessions_per_minute)
    for delivery in simulate(traffic, events=events, seed=7, start_ms=BEGAN_MS):
        yield Message(delivery.session_id.encode(), dumps(delivery).encode(), delivery.sent_at_ms)


LOADS: dict[str, Callable[[int], Iterator[Message]]] = {
    "clicks": clicks,
    "mix": mix,
    "mix-by-20": partial(mix, batch_size=20),
}
