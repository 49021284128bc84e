"""Reading JSON Lines files, and telling their lines' kind."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from agents.commands.output import CommandFailed

STANDARD_INPUT = Path("-")


class Line(NamedTuple):
    """A line that is not blank, and where it stands."""

    file: str
    number: int
    raw: bytes

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"


def read_lines(files: list[Path]) -> Iterator[Line]:
    """Yield the lines of ``files`` in order, without their ends.

    Raises:
        CommandFailed: a file cannot be read.
    """
    for file in files:
        if file == STANDARD_INPUT:
            yield from _lines("-", sys.stdin.buffer)
            continue
        try:
            with file.open("rb") as stream:
                yield from _lines(str(file), stream)
        except OSError as error:
            raise CommandFailed(f"cannot read {file}: {error.strerror}") from None


def _lines(name: str, stream: IO[bytes]) -> Iterator[Line]:
    for number, raw in enumerate(stream, start=1):
        if text := raw.strip():
            yield Line(name, number, text)


def size_of(files: list[Path]) -> int | None:
    """Return the bytes in ``files`` together, None where that is not known beforehand."""
    if STANDARD_INPUT in files or not all(file.is_file() for file in files):
        return None
    return sum(file.stat().st_size for file in files)
