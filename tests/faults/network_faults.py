"""Faults of the network between all workers and one of their servers."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import psycopg

from tests.faults.campaign import Campaign, Fire
from tests.faults.plan import ALL
from tests.servers.link import Shape
from tests.servers.ports import WHICH_VERSIONS
from tests.servers.proxy import Proxy
from tests.servers.talk import connected, receive

CUT_S = (1.0, 60.0) if ALL else (1.0, 8.0)
MINUTES_S = (120.0, 240.0)
SLOW_S = 20.0 if ALL else 10.0
SETTLES_S = 0.5
"""What is on its way when a network stalls has arrived by then."""

TRIES = 5
"""Questions before the network is slow, the quickest answer to which counts: others meet a busy machine."""

LATENCY = Shape(latency_s=0.2, jitter_s=0.1)
NARROW = Shape(bytes_per_s=64_000)

ANSWER_BYTES = 64_000
"""What the test's own questions are answered with, about, where the network is narrow: a second of it."""

Question = Callable[[int], int]
"""Asks a server for an answer of so many bytes, about, and returns how many it had."""


@dataclass(frozen=True)
class Server:
    """The proxy before a server, and a connection of the test's own through it."""

    proxy: Callable[[Campaign], Proxy]
    asking: Callable[[Campaign], AbstractContextManager[Question]]


def _broker_proxy(campaign: Campaign) -> Proxy:
    assert campaign.to_broker is not None
    return campaign.to_broker


@contextmanager
def _asking_postgres(campaign: Campaign) -> Iterator[Question]:
    with psycopg.connect(campaign.proxied_database_url, autocommit=True) as connection:

        def ask(answer_bytes: int) -> int:
            ((text,),) = connection.execute("SELECT repeat('x', %s)", (answer_bytes,)).fetchall()
            return len(text)

        yield ask


@contextmanager
def _asking_kafka(campaign: Campaign) -> Iterator[Question]:
    """Ask for the versions of requests, as often as makes answers long enough."""
    with connected(_broker_proxy(campaign).port) as connection:

        def answer() -> int:
            size = int.from_bytes(receive(connection, 4), "big")
            assert len(receive(connection, size)) == size > 0
            return size

        connection.sendall(WHICH_VERSIONS)
        each = answer()

        def ask(answer_bytes: int) -> int:
            questions = -(-answer_bytes // each)
            connection.sendall(WHICH_VERSIONS * questions)
            return sum(answer() for _ in range(questions))

        yield ask


to_postgres = Server(lambda campaign: campaign.to_postgres, _asking_postgres)
to_kafka = Server(_broker_proxy, _asking_kafka)


def cut(server: Server, between_s: tuple[float, float] = CUT_S) -> Fire:
    """Reset all connections and refuse new ones for a while."""

    def fire(campaign: Campaign) -> list[str]:
        proxy, seconds = server.proxy(campaign), campaign.chance.uniform(*between_s)
        refused = proxy.refused
        connections = proxy.cut()
        time.sleep(seconds)
        proxy.mend()
        assert connections
        assert proxy.refused > refused
        return [f"{connections} connections cut for {seconds:.1f} s, {proxy.refused - refused} more refused"]

    return fire


def stalled(server: Server) -> Fire:
    """Let nothing through for a while, as when packets are lost."""

    def fire(campaign: Campaign) -> list[str]:
        proxy, seconds = server.proxy(campaign), campaign.chance.uniform(*CUT_S)
        connections = proxy.stall()
        time.sleep(SETTLES_S)
        passed = proxy.passed_bytes
        time.sleep(seconds)
        still = proxy.passed_bytes == passed
        proxy.mend()
        assert connections
        assert still
        return [f"nothing passed on {connections} connections for {seconds:.1f} s"]

    return fire


def reset(server: Server) -> Fire:
    """Reset all connections once."""

    def fire(campaign: Campaign) -> list[str]:
        connections = server.proxy(campaign).reset()
        assert connections
        return [f"{connections} connections reset"]

    return fire


def half_open(server: Server) -> Fire:
    """Let nothing pass on today's connections ever again, without telling either side."""

    def fire(campaign: Campaign) -> list[str]:
        connections = server.proxy(campaign).silence()
        assert connections
        return [f"{connections} connections fell silent"]

    return fire


def slow(server: Server, shape: Shape) -> Fire:
    """Make the network slow for a while, and ask the server through it all that time: each answer takes as long."""

    def fire(campaign: Campaign) -> list[str]:
        proxy = server.proxy(campaign)
        connections = proxy.connections
        assert connections
        answer_bytes = ANSWER_BYTES if shape.bytes_per_s else 1
        with server.asking(campaign) as ask:
            quick_s, _ = min(_timed(ask, answer_bytes) for _ in range(TRIES))
            proxy.slow_down(shape)
            until = time.monotonic() + SLOW_S
            answers = []
            while time.monotonic() < until:
                answers.append(_timed(ask, answer_bytes))
            proxy.slow_down(Shape())
        assert quick_s < shape.least_s(answer_bytes)
        assert all(took_s >= shape.least_s(size) for took_s, size in answers), (shape, answers)
        slow_s, size = min(answers)
        took = f"{size} bytes took {slow_s:.2f} s at least, {quick_s:.3f} s before"
        return [f"{connections} connections were slow for {SLOW_S:.0f} s: of {len(answers)} answers {took}"]

    return fire


def _timed(ask: Question, answer_bytes: int) -> tuple[float, int]:
    """Return how long an answer took, and how many bytes it had."""
    began = time.monotonic()
    size = ask(answer_bytes)
    return time.monotonic() - began, size
