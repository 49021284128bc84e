"""Known ways to break the program, as patches, and what has to notice each: see ``__main__``.

A patch begins with lines ``What: …`` and ``Tests: …``, and where it helps ``Only: …``, a part of the name of a fault.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path

PATCHES = Path(__file__).parent


@dataclass(frozen=True)
class Selection:
    """Tests, and the faults to which those of the fault suite keep; all where that is empty."""

    tests: tuple[str, ...]
    only: str = ""

    def __str__(self) -> str:
        names = ", ".join(f"`{test.rpartition('::')[2]}`" for test in self.tests)
        return f"{names} with {self.only}" if self.only else names


@dataclass(frozen=True)
class Mutant:
    """A patch, what it does, and the tests that pass without it and must fail with it."""

    patch: Path
    what: str
    selection: Selection

    @property
    def name(self) -> str:
        return self.patch.stem

    def apply(self, tree: Path, *options: str) -> None:
        """Change ``tree``.

        Raises:
            subprocess.CalledProcessError: the patch does not fit; git says why.
        """
        command = ["git", "apply", *options, str(self.patch)]
        subprocess.run(command, cwd=tree, check=True, capture_output=True, text=True)


def mutants() -> list[Mutant]:
    """Return all there are, by name."""
    return [_read(patch) for patch in sorted(PATCHES.glob("*.patch"))]


def _read(patch: Path) -> Mutant:
    head = patch.read_text().partition("\ndiff --git ")[0]
    said = dict(line.split(": ", 1) for line in head.splitlines())
    return Mutant(patch, said["What"], Selection(tuple(said["Tests"].split()), said.get("Only", "")))
