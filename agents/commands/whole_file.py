"""Files that are there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agents.commands.output import CommandFailed


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give the block a name to write to; what is there in the end becomes ``path``, and nothing where the block fails.

    Raises:
        CommandFailed: the file cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            unfinished.touch()
            yield unfinished
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise CommandFailed(f"{path} cannot be written: {error.strerror}") from None
