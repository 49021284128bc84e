"""``hxi generate``: simulated people, to standard output or to Kafka."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from agents.commands.kafka import sending
from agents.commands.output import CommandFailed, progress, say
from agents.settings import Settings
from pipeline.simulation import Delivery, Traffic, simulate
from schema.fields import US_PER_MS, instant_us

DEFAULT_START_MS = int(datetime(2026, 1, 5, 9, tzinfo=UTC).timestamp() * 1000)
"""A fixed Monday morning: the same seed has to give the same bytes on any day."""

EVENTS_PER_SESSION = 134
"""What a simulated person does on average, measured over 3 000 people."""

ENDLESS = 2**62


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for."""

    events: int
    seed: int
    start: str | None
    batch_size: int
    replay: bool
    publish: bool
    rate: float


def generate_traffic(settings: Callable[[], Settings], order: Order) -> None:
    """Print what trackers would send, or publish it at the rate asked for."""
    if order.publish:
        _publish(settings(), order)
    else:
        _print(order)


def deliveries(order: Order, start_ms: int) -> Iterator[Delivery]:
    """Return the traffic ordered; ``sent_at`` is in it only where arrival will match it."""
    sessions_per_minute = 60.0
    if order.publish and order.rate:
        sessions_per_minute = max(1.0, order.rate * 60 / EVENTS_PER_SESSION)
    traffic = Traffic(
        sessions_per_minute=sessions_per_minute,
        batch_size=order.batch_size,
        replay=order.replay,
        sent_at_rate=0.3 if order.publish else 0.0,
    )
    events = ENDLESS if order.publish and order.events == 0 else order.events
    return simulate(traffic, events=events, seed=order.seed, start_ms=start_ms)


def dumps(delivery: Delivery) -> str:
    """Return the message as compact JSON, the same bytes on every machine."""
    return json.dumps(delivery.message, separators=(",", ":"), ensure_ascii=False)


def _print(order: Order) -> None:
    try:
        for delivery in deliveries(order, _start_ms(order.start, DEFAULT_START_MS)):
            sys.stdout.write(dumps(delivery) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stderr.close()  # the reader has had enough, as with `| head`


def _publish(settings: Settings, order: Order) -> None:
    start_ms = _start_ms(order.start, int(time.time() * 1000))
    traffic = deliveries(order, start_ms)
    live = order.events == 0 and order.start is None and order.rate > 0
    sent = 0
    try:
        with sending(settings) as send, progress("Publishing", order.events or None) as advance:
            for delivery in as_it_comes(traffic) if live else _paced(traffic, order.rate):
                topic = settings.replay_topic if delivery.is_replay else settings.events_topic
                stamp_ms = None if live else delivery.sent_at_ms  # our own delay is no lag of the pipeline's
                send(topic, delivery.session_id.encode(), dumps(delivery).encode(), stamp_ms)
                sent += delivery.events
                advance(delivery.events)
    except KeyboardInterrupt:
        say("stopped")
    say(f"published {sent} events")


def as_it_comes(traffic: Iterator[Delivery]) -> Iterator[Delivery]:
    """Yield each delivery once its time has come, so that none is from the future however long it goes on.

    Nobody is on the site at first: the rate is reached as people come, half of it within 3 minutes, nearly all in 10.
    """
    for delivery in traffic:
        ahead = delivery.sent_at_ms / 1000 - time.time()
        if ahead > 0:
            time.sleep(max(ahead, 0.01))
        yield delivery


def _paced(traffic: Iterator[Delivery], rate: float) -> Iterator[Delivery]:
    """Yield ``traffic`` no faster than ``rate`` events per second."""
    began = time.monotonic()
    events = 0
    for delivery in traffic:
        ahead = events / rate - (time.monotonic() - began) if rate else 0
        if ahead > 0.01:
            time.sleep(ahead)
        yield delivery
        events += delivery.events


def _start_ms(text: str | None, default: int) -> int:
    if text is None:
        return default
    try:
        return instant_us(text) // US_PER_MS
    except ValueError:
        raise CommandFailed(f"--start {text!r} is not an ISO-8601 date and time") from None
