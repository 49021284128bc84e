"""Simulated traffic that travels badly: ``python -m tests.rough_traffic EVENTS SEED START_MS`` publishes it.

One record in twenty comes twice, one in ten out of order, and some come very late.
"""

import sys
from collections.abc import Iterator

from agents.commands.generate import dumps
from agents.commands.kafka import sending
from agents.settings import load_settings
from pipeline.simulation import Delivery, Traffic, simulate

ROUGH = Traffic(duplicate_rate=0.05, out_of_order_rate=0.1, batch_size=4, replay=True)


def rough_traffic(events: int, seed: int, start_ms: int) -> Iterator[Delivery]:
    """Yield the same deliveries for the same arguments, in the order in which they are published."""
    return simulate(ROUGH, events=events, seed=seed, start_ms=start_ms)


def main() -> None:
    """Publish to the topics that the environment names."""
    settings = load_settings()
    with sending(settings) as send:
        for delivery in rough_traffic(*map(int, sys.argv[1:])):
            topic = settings.replay_topic if delivery.is_replay else settings.events_topic
            send(topic, delivery.session_id.encode(), dumps(delivery).encode(), delivery.sent_at_ms)


if __name__ == "__main__":
    main()
