"""A long load of good and hostile records, the same for the same seed, cheap to make: templates with other ids in them.

Good records are the simulated shop's. Hostile ones are of all the kinds there are, in sessions of their own.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import NamedTuple

from agents.commands.generate import dumps
from pipeline.simulation import Traffic, simulate
from tests.builders import OTHER_SESSION, SESSION
from tests.hostile.messages import GOOD, GOOD_CHUNK, NO_EVENTS, RICH, around, batch, spelt, with_field
from tests.hostile.values import CHUNK_FIELDS, FIELDS, KEYS

HOUR_MS = 3_600_000
MEGABYTE = 1_000_000

GOOD_TEMPLATES = 2_000
HOSTILE_TEMPLATES = 4_000
LONG = 1_000
"""Bytes beyond which a template is rare: one in a hundred, which still is most of the bytes."""

LONG_SHARE = 0.01
ODD_KEY_SHARE = 0.05
RECORDS_PER_SESSION = 100
"""As good sessions have: what a session costs by itself is not what is looked at here."""

RECORDS_PER_ODD_SESSION = 10_000
"""Of all records, of which few have an odd key; one session has one of those, for sessions keep to a partition."""

ITS_OWN = len(KEYS)
"""Stands for a key that is the session's, among the odd ones."""

_SESSIONS = [str(session).encode() for session in (SESSION, OTHER_SESSION)]
_UUID = RICH["event_uuid"].strip(b'"')


class Parcel(NamedTuple):
    """A record to be published."""

    is_replay: bool
    key: bytes | None
    value: bytes | None
    is_good: bool


class Template(NamedTuple):
    """What a record is made of: a value with a session's and an event's id in it, to be replaced."""

    is_replay: bool
    value: bytes | None
    session: bytes = _SESSIONS[0]
    event: bytes = _UUID


@dataclass(frozen=True)
class Load:
    """What to publish; ``arrival_ms`` is every record's time of arrival."""

    seed: int
    arrival_ms: int

    def good(self, records: int, first: int = 0) -> Iterator[Parcel]:
        """Yield good records, each with an id of its own, from the ``first`` of all on."""
        for number in range(first, first + records):
            turn, which = divmod(number, len(self._good))
            template = self._good[which]
            session = b"%08x" % (0x600D0000 + turn) + template.session[8:]
            value = (template.value or b"").replace(template.session, session)
            yield Parcel(False, session, value.replace(template.event, _numbered(0x600D, number)), True)

    def mixed(self, records: int, hostile_share: float, first_good: int = 0) -> Iterator[Parcel]:
        """Yield so many records, the enormous ones spread among them."""
        chance = Random(self.seed)
        enormous = list(self._enormous)
        every = records // len(enormous)
        good = self.good(records, first_good)
        for number in range(records):
            if number % every == every // 2 and enormous:
                yield self._parcel(enormous.pop(), number, ITS_OWN)
            elif chance.random() < hostile_share:
                pool = self._long if chance.random() < LONG_SHARE else self._short
                odd = chance.random() < ODD_KEY_SHARE
                yield self._parcel(chance.choice(pool), number, chance.randrange(len(KEYS)) if odd else ITS_OWN)
            else:
                yield next(good)

    def _parcel(self, template: Template, number: int, key: int) -> Parcel:
        turn = number // (RECORDS_PER_SESSION if key == ITS_OWN else RECORDS_PER_ODD_SESSION)
        session, other = (_numbered(0xBAD0_0000 + (key << 8) + which, turn) for which in (0, 1))
        value = template.value
        if value is not None:
            value = value.replace(_SESSIONS[0], session).replace(_SESSIONS[1], other)
            value = value.replace(_UUID, _numbered(0xE0E0, number))
        return Parcel(template.is_replay, session if key == ITS_OWN else KEYS[key], value, False)

    @cached_property
    def _good(self) -> list[Template]:
        start_ms = self.arrival_ms - 2 * HOUR_MS
        deliveries = simulate(Traffic(), events=GOOD_TEMPLATES, seed=self.seed, start_ms=start_ms)
        return [
            Template(False, dumps(each).encode(), each.session_id.encode(), each.message["event_uuid"].encode())
            for each in deliveries
        ]

    @cached_property
    def _hostile(self) -> list[Template]:
        chance = Random(self.seed)
        made = [_template(chance) for _ in range(HOSTILE_TEMPLATES)]
        return made + [Template(is_replay, value) for value in NO_EVENTS for is_replay in (False, True)]

    @cached_property
    def _short(self) -> list[Template]:
        return [template for template in self._hostile if len(template.value or b"") <= LONG]

    @cached_property
    def _long(self) -> list[Template]:
        return [template for template in self._hostile if len(template.value or b"") > LONG]

    @cached_property
    def _enormous(self) -> list[Template]:
        text = b'"%s"' % (b"a" * 10 * MEGABYTE)
        return [
            Template(False, with_field("page_url", text)),
            Template(False, with_field("metadata", b'{"a":[%s0]}' % (b"0," * 5 * MEGABYTE))),
            Template(False, around(with_field("x", b"7" * 10 * MEGABYTE))),
            Template(False, with_field("element_id", text)[:-1]),
            Template(True, with_field("chunk_data", text, GOOD_CHUNK)),
            Template(True, with_field("chunk_index", text, GOOD_CHUNK)),
        ]


def _numbered(kind: int, number: int) -> bytes:
    return b"%08x-0000-4000-8000-%012x" % (kind, number)


def _template(chance: Random) -> Template:
    return chance.choice(_KINDS)(chance)


def _hostile_event(chance: Random) -> bytes:
    name = chance.choice(sorted(FIELDS))
    return with_field(name, _value(chance, FIELDS[name]), chance.choice([GOOD, RICH]))


def _value(chance: Random, values: list[bytes]) -> bytes:
    """Return one of them; of two the shorter."""
    return min(chance.choice(values), chance.choice(values), key=len)


def _one(chance: Random) -> Template:
    return Template(False, _hostile_event(chance))


def _batch(chance: Random) -> Template:
    return Template(False, around(_hostile_event(chance)))


def _shared(chance: Random) -> Template:
    name = chance.choice(sorted(FIELDS))
    return Template(False, batch([b"{}", spelt(GOOD)], {**GOOD, name: _value(chance, FIELDS[name])}))


def _chunk(chance: Random) -> Template:
    name = chance.choice(sorted(CHUNK_FIELDS))
    return Template(True, with_field(name, _value(chance, CHUNK_FIELDS[name]), GOOD_CHUNK))


def _no_event(chance: Random) -> Template:
    return Template(chance.random() < 0.2, chance.choice(NO_EVENTS))


def _damaged(chance: Random) -> Template:
    value = bytearray(chance.choice([spelt(RICH), around(spelt(GOOD)), spelt(GOOD_CHUNK)]))
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(value))
        value[at : at + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
    return Template(chance.random() < 0.2, bytes(value))


_KINDS: list[Callable[[Random], Template]] = [_one, _one, _one, _batch, _shared, _chunk, _no_event, _damaged]
