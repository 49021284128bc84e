"""How figures are shown: a table of plain text."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from benchmarks.rig import Figures

Lines = Mapping[str, tuple[str, int]]
"""By figure, how a table calls it, and its decimals."""


class Section(NamedTuple):
    """A part of the table: one line per figure, one column per result."""

    title: str
    lines: Lines
    results: Mapping[str, Figures]


def table(sections: Iterable[Section]) -> str:
    """Return all sections as one table; figures that nothing has are left out."""
    return "\n\n".join("\n".join(_section(section)) for section in sections)


def _section(section: Section) -> Iterator[str]:
    width = max(12, 2 + max(map(len, section.results)))
    yield f"{section.title.upper():48}" + "".join(f"{name:>{width}}" for name in section.results)
    for key, (title, decimals) in section.lines.items():
        cells = [figures.get(key) for figures in section.results.values()]
        if any(cell is not None for cell in cells):
            yield f"{title:48}" + "".join(f"{_cell(cell, decimals):>{width}}" for cell in cells)


def _cell(value: float | None, decimals: int) -> str:
    return "-" if value is None else f"{value:.{decimals}f}"
