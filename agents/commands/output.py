"""How commands speak: tables and progress bars on a terminal, plain lines in a pipe.

Results go to standard output, everything said on the way to standard error. Commands that run unattended say all of
it in their log instead, where that is to be JSON.
"""

import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)
logger = logging.getLogger(__name__)

_is_logged = False


class CommandFailed(Exception):
    """A command cannot do what it was asked; the text is the sentence for the person."""


class Advance(Protocol):
    """Moves a progress bar on."""

    def __call__(self, steps: float = 1) -> None:
        """Count ``steps`` as done."""
        ...


def log_instead() -> None:
    """Say everything in the log from now on: results as well, in fields of their own."""
    global _is_logged
    _is_logged = True


def fail(sentence: str) -> NoReturn:
    """Say what went wrong and exit with 1."""
    if _is_logged:
        logger.error(sentence)
    else:
        err.print(f"hxi: {sentence}", style="red" if err.is_terminal else None, markup=False)
    sys.exit(1)


def say(sentence: str) -> None:
    """Say what is going on."""
    if _is_logged:
        logger.info(sentence)
    else:
        err.print(sentence, markup=False)


def show_lines(title: str, lines: Sequence[str]) -> None:
    """Show lines as they are, to be used as they are; only a log has their title."""
    if _is_logged:
        logger.info(title, extra={"lines": list(lines)})
        return
    for line in lines:
        print(line)


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Show rows: a drawn table on a terminal, tab-separated lines with a header in a pipe."""
    if _is_logged:
        logger.info(title, extra={"rows": [dict(zip(columns, row, strict=True)) for row in rows]})
        return
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if not out.is_terminal:
        print("\t".join(columns))
        for row in texts:
            print("\t".join(row))
        return
    table = Table(*columns, title=title, title_justify="left", header_style="bold")
    for row in texts:
        table.add_row(*map(escape, row))
    Console(highlight=False).print(table)


@contextmanager
def progress(what: str, total: float | None) -> Iterator[Advance]:
    """Show a progress bar while the block runs; nothing in a pipe."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        disable=not err.is_terminal,
    )
    with bar:
        task = bar.add_task(what, total=total)

        def advance(steps: float = 1) -> None:
            bar.advance(task, steps)

        yield advance
