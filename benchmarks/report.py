"""How figures are shown: tables of plain text."""

from collections.abc import Mapping, Sequence

from benchmarks.rig import Figures

Lines = Mapping[str, tuple[str, int]]
"""By figure, how a table calls it, and its decimals."""


def columns(lines: Lines, results: Mapping[str, Figures]) -> str:
    """Return a table of one line per figure and one column per result; figures that nothing has are left out."""
    table = [f"{'':44}" + "".join(f"{name:>12}" for name in results)]
    for key, (title, decimals) in lines.items():
        cells = [figures.get(key) for figures in results.values()]
        if any(cell is not None for cell in cells):
            table.append(f"{title:44}" + "".join(f"{_cell(cell, decimals):>12}" for cell in cells))
    return "\n".join(table)


def rows(lines: Lines, results: Sequence[Figures]) -> str:
    """Return a table of one column per figure and one line per result."""
    titles = [f"{title:>18}" for title, _ in lines.values()]
    body = [[f"{_cell(row.get(key), decimals):>18}" for key, (_, decimals) in lines.items()] for row in results]
    return "\n".join("".join(line) for line in [titles, *body])


def _cell(value: float | None, decimals: int) -> str:
    return "-" if value is None else f"{value:.{decimals}f}"
