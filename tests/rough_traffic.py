"""Simulated traffic that travels badly.

One record in twenty comes twice, one in ten out of order, and some come very late.
"""

from collections.abc import Iterator

from pipeline.simulation import Delivery, Traffic, simulate

ROUGH = Traffic(duplicate_rate=0.05, out_of_order_rate=0.1, batch_size=4, replay=True)


def rough_traffic(events: int, seed: int, start_ms: int) -> Iterator[Delivery]:
    """Yield the same deliveries for the same arguments, in the order in which they are published."""
    return simulate(ROUGH, events=events, seed=seed, start_ms=start_ms)
