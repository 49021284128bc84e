"""Known ways to break the program, as patches, and what has to notice each: see ``__main__``.

A patch begins with lines ``What: …`` and ``Tests: …``, and where it helps ``Only: …``, a part of the name of a fault.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path

PATCHES = Path(__file__).parent


@dataclass(frozen=True)
class Mutant:
    """A patch, what it does, the tests that must fail with it, and the faults to which those may keep."""

    patch: Path
    what: str
    tests: tuple[str, ...]
    only: str

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
    return Mutant(patch, said["What"], tuple(said["Tests"].split()), said.get("Only", ""))
