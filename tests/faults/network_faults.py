"""Faults of the network between all workers and one of their servers."""

import time
from collections.abc import Callable

from tests.faults.campaign import Campaign, Fire
from tests.faults.plan import ALL
from tests.servers.link import Shape
from tests.servers.proxy import Proxy

CUT_S = (1.0, 60.0) if ALL else (1.0, 8.0)
MINUTES_S = (120.0, 240.0)
SLOW_S = 20.0 if ALL else 10.0
SETTLES_S = 0.5
"""What is on its way when a network stalls has arrived by then."""

LATENCY = Shape(latency_s=0.2, jitter_s=0.1)
NARROW = Shape(bytes_per_s=64_000)

Server = Callable[[Campaign], Proxy]


def to_postgres(campaign: Campaign) -> Proxy:
    return campaign.to_postgres


def to_kafka(campaign: Campaign) -> Proxy:
    assert campaign.to_broker is not None
    return campaign.to_broker


def cut(server: Server, between_s: tuple[float, float] = CUT_S) -> Fire:
    """Reset all connections and refuse new ones for a while."""

    def fire(campaign: Campaign) -> list[str]:
        proxy, seconds = server(campaign), campaign.chance.uniform(*between_s)
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
        proxy, seconds = server(campaign), campaign.chance.uniform(*CUT_S)
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
        connections = server(campaign).reset()
        assert connections
        return [f"{connections} connections reset"]

    return fire


def half_open(server: Server) -> Fire:
    """Let nothing pass on today's connections ever again, without telling either side."""

    def fire(campaign: Campaign) -> list[str]:
        connections = server(campaign).silence()
        assert connections
        return [f"{connections} connections fell silent"]

    return fire


def slow(server: Server, shape: Shape) -> Fire:
    """Make the network slow for a while."""

    def fire(campaign: Campaign) -> list[str]:
        proxy = server(campaign)
        proxy.slow_down(shape)
        passed, began = proxy.passed_bytes, time.monotonic()
        time.sleep(SLOW_S)
        rate = (proxy.passed_bytes - passed) / (time.monotonic() - began)
        connections = proxy.connections
        proxy.slow_down(Shape())
        assert rate > 0
        assert shape.bytes_per_s is None or rate <= 2 * connections * shape.bytes_per_s
        return [f"{connections} connections with {shape}: {rate / 1000:.0f} kB/s for {SLOW_S:.0f} s"]

    return fire
