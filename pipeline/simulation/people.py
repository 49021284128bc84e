"""Who comes when: the people of the simulation, in order of arrival."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from pipeline.simulation.devices import Device
from pipeline.simulation.moods import Mood, Temper, temper_of
from pipeline.simulation.policy import Traffic

_FIRST_NAMES: Final = ("anna", "ben", "chiara", "deniz", "emeka", "farah", "goran", "hana", "ines", "jonas", "kiri")
_LAST_NAMES: Final = ("kovacs", "nguyen", "okafor", "smith", "rossi", "yilmaz", "tanaka", "silva", "larsen", "roy")
_LOCALES: Final = ("en-US", "en-GB", "de-DE", "fr-FR", "es-ES", "pt-BR", "ja-JP", "tr-TR", "en-IN", "pl-PL")
_RELEASES: Final = ("4.18.0", "4.18.0", "4.18.0", "4.17.3", "4.17.3", "4.16.1")
# Addresses reserved for documentation (RFC 5737, RFC 3849): they belong to nobody.
_NETWORKS: Final = ("192.0.2", "198.51.100", "203.0.113")
_SAMPLING_MS: Final = (100, 150, 200, 200, 250)


@dataclass(frozen=True, slots=True)
class Account:
    """A customer whom the shop knows by name."""

    external_user_id: str
    email: str
    locale: str


@dataclass(frozen=True, slots=True)
class Person:
    """One person during one session; who has an account may come back in another.

    Attributes:
        session_id: The session that this person makes.
        arrives_ms: When it starts, in epoch milliseconds.
        mood: How the person feels: the truth to learn, in no message.
        temper: The habits that the mood shows in.
        device: What the person holds.
        account: None for a guest.
        is_signed_in: Whether the account is known from the start.
        ends: Whether the session says that it ends.
        states_sent_at: Whether the client states `sent_at`.
        transit_ms: From the client to the broker, the same for all records of the session.
        sampling_ms: Least time between two positions of the pointer.
        facts: The fields of the session that the first event carries.
        seed: Of everything this person does.
    """

    session_id: str
    arrives_ms: int
    mood: Mood
    temper: Temper
    device: Device
    account: Account | None
    is_signed_in: bool
    ends: bool
    states_sent_at: bool
    transit_ms: int
    sampling_ms: int
    facts: dict[str, Any]
    seed: int


def uuid_of(rng: Random) -> str:
    """Draw a UUID with the layout of version 4."""
    bits = rng.getrandbits(128)
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[bits & 3]}{text[17:20]}-{text[20:]}"


def arrivals(traffic: Traffic, *, seed: int, start_ms: int) -> Iterator[Person]:
    """Yield people without end, in order of arrival, by a Poisson process.

    How records travel has no part in it: traffic that differs only there is made by the same people.
    """
    rng = Random(f"people {seed}")
    moods, weights = list(traffic.moods), list(traffic.moods.values())
    at_ms = float(start_ms)
    while True:
        mood = rng.choices(moods, weights)[0]
        yield _person(traffic, rng, mood, int(at_ms))
        at_ms += rng.expovariate(traffic.sessions_per_minute / 60_000)


def _person(traffic: Traffic, rng: Random, mood: Mood, arrives_ms: int) -> Person:
    # A square pulls the draw towards the first accounts: few people come often, many seldom.
    number = int(traffic.population * rng.random() ** 2)
    known = rng.random() < traffic.account_rate
    device = traffic.devices[(number * 7 + (rng.random() < 0.15)) % len(traffic.devices)]
    kind = traffic.devices.index(device)
    return Person(
        session_id=uuid_of(rng),
        arrives_ms=arrives_ms,
        mood=mood,
        temper=temper_of(traffic.tempers[mood], traffic.individuality, rng),
        device=device,
        account=_account(number) if known else None,
        is_signed_in=known and rng.random() < 0.5,
        ends=rng.random() < traffic.ended_rate,
        states_sent_at=rng.random() < traffic.sent_at_rate,
        transit_ms=40 + min(int(rng.expovariate(1 / 80)), 900),
        sampling_ms=rng.choice(_SAMPLING_MS),
        facts=_facts(rng, device, number * 1_000 + kind if known else None),
        seed=rng.getrandbits(64),
    )


def _account(number: int) -> Account:
    first, last = _FIRST_NAMES[number % len(_FIRST_NAMES)], _LAST_NAMES[number % len(_LAST_NAMES)]
    return Account(f"customer-{number:06d}", f"{first}.{last}{number}@example.com", _LOCALES[number % len(_LOCALES)])


def _facts(rng: Random, device: Device, owned: int | None) -> dict[str, Any]:
    """Return device and network fields; ``owned`` numbers the device of an account, which keeps its id."""
    host = rng.randrange(1, 255)
    if rng.random() < 0.25:
        address = f"2001:db8:{rng.getrandbits(16):x}:{rng.getrandbits(16):x}::{host:x}"
    else:
        address = f"{rng.choice(_NETWORKS)}.{host}"
    code = rng.getrandbits(48) if owned is None else owned
    return {
        "device_id": f"{device.kind}-{code:012x}",
        "ip_address": address,
        "user_agent": device.user_agent,
        "screen_resolution": f"{device.screen[0]}x{device.screen[1]}",
        "app_version": rng.choice(_RELEASES),
    }
