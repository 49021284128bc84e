"""Looks for bytes that are not decoded lawfully: ``python -m tests.fuzz SECONDS [OPTION OF LIBFUZZER…]``.

Atheris, which is libFuzzer for Python, changes inputs and keeps those that reach new code of ``schema``, ``pipeline``
and ``agents.decoder``; ``tests.hostile.laws`` says what is lawful. It sees Python code only: the parsers
(pydantic-core, msgspec, json's scanner) are compiled and opaque, so that it learns nothing of how far it came within
them. What it is given for that: the hand-made corpus, the names and values that matter as a dictionary, and mutations
that put a hostile value in the place of another. Instrumented Python is slow, and the laws decode each input half a
dozen times: expect a thousand inputs a second, not the hundred thousands of compiled code.

New inputs and failures go to ``build/fuzz``. ``python -m tests.fuzz keep`` adds to the corpus what takes new ways; a
failing input belongs there as well, once it is mended.
"""

import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["schema", "pipeline", "agents"], enable_loader_override=False):
    from tests.hostile.laws import check
from tests.fuzz import CORPUS
from tests.hostile.values import CHUNK_FIELDS, FIELDS

FOUND = Path("build/fuzz/found")
FAILURES = Path("build/fuzz/failures")
MOST_INPUT_BYTES = 6_000
"""Room for an integer of more digits than Python reads."""

SLOW_S = 10
MERGING = "merging"
ITSELF = f"{shlex.quote(sys.executable)} -m tests.fuzz {MERGING}"
"""How libFuzzer starts itself anew, once for each input that ends it, while it merges."""

SPLICED_BYTES = 400
"""Longer values would fill an input, and the property tests have them."""

_VALUE = re.compile(rb'(?<=:)\s*(?:"(?:\\.|[^"\\])*"|[-+.\w]+|\[[^\[\]]*\]|\{[^{}]*\})')


def hostile_values() -> list[bytes]:
    """Return what is put in the place of other values."""
    values = {value for fields in (FIELDS, CHUNK_FIELDS) for name in fields for value in fields[name]}
    return sorted(value for value in values if len(value) <= SPLICED_BYTES)


VALUES = hostile_values()


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Return ``data`` changed: half the time as libFuzzer does, else with a hostile value in the place of another."""
    chance = Random(seed)
    places = list(_VALUE.finditer(data))
    if not places or chance.random() < 0.5:
        return bytes(atheris.Mutate(data, max_size))
    place = chance.choice(places)
    return (data[: place.start()] + chance.choice(VALUES) + data[place.end() :])[:max_size]


def words() -> Iterator[str]:
    """Yield a dictionary as libFuzzer reads it: names of fields, and short values."""
    names = (b'"%s"' % name.encode() for name in {**FIELDS, **CHUNK_FIELDS, "events": []})
    for word in (*names, *(value for value in VALUES if len(value) <= 24)):
        yield '"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n'


def main(arguments: list[str]) -> None:
    """Fuzz for so many seconds, or ``keep`` what was found; ends with 1 at the first input that is not lawful."""
    task, *options = arguments or ["60"]
    for folder in (FOUND, FAILURES):
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".dict") as dictionary:
        dictionary.writelines(words())
        dictionary.flush()
        limits = [f"-max_len={MOST_INPUT_BYTES}", f"-timeout={SLOW_S}", f"-artifact_prefix={FAILURES}/"]
        if task == "keep":
            run = ["-merge=1", str(CORPUS), str(FOUND)]
        elif task == MERGING:
            limits, run = [], []  # whoever merges says all
        else:
            run = [f"-max_total_time={task}", f"-dict={dictionary.name}", str(FOUND), str(CORPUS)]
        atheris.Setup([ITSELF, *limits, *options, *run], check, custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
