"""Breaks the program in each known way, in a copy, and shows which test noticed: ``python -m tests.mutants [NAME…]``.

The tests have to pass on the program as it is: that is tried first, once for all mutants that they are to notice.
Ends with 1 if one was not noticed.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.mutants import Mutant, Selection, mutants

TOP = Path(__file__).parents[2]
NEEDED = ("schema", "pipeline", "agents", "tests", "pyproject.toml")
PATIENCE_S = 900


def main(names: list[str]) -> int:
    """Try the mutants of these names, or all; return how many survived."""
    wanted = chosen(names)
    survivors = 0
    passing: set[Selection] = set()
    print("| mutant | what it breaks | noticed by | after s |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="hxi-unbroken-") as directory:
        unbroken = Path(directory)
        copy(TOP, unbroken)
        for mutant in wanted:
            began = time.monotonic()
            if mutant.selection not in passing:
                passed = passes(unbroken, mutant.selection)
                passing.add(mutant.selection)
                show("*none*", f"nothing: {mutant.selection}", f"nobody, as it has to be: {passed} passed", began)
                began = time.monotonic()
            noticed = noticed_by(mutant, unbroken)
            survivors += noticed is None
            show(mutant.name, mutant.what, noticed or "**nobody**", began)
    return survivors


def chosen(names: list[str]) -> list[Mutant]:
    """Return the mutants of these names, or all."""
    known = {mutant.name: mutant for mutant in mutants()}
    if unknown := sorted(set(names) - known.keys()):
        raise SystemExit(f"There is no mutant {', '.join(unknown)}; there are {', '.join(known)}.")
    return [mutant for name, mutant in known.items() if not names or name in names]


def copy(source: Path, tree: Path) -> None:
    """Copy what the tests need into ``tree``."""
    for name in NEEDED:
        (shutil.copytree if (source / name).is_dir() else shutil.copy)(source / name, tree / name)
    (tree / ".hxi").symlink_to(TOP / ".hxi")  # Kafka, fetched once


def passes(tree: Path, selection: Selection) -> int:
    """Return how many tests of ``selection`` passed in ``tree``, which nobody has broken.

    Raises:
        SystemExit: one failed, or none was run, so that it would say nothing of a mutant.
    """
    done = run(tree, selection)
    if done.returncode:
        raise SystemExit(f"{selection} failed without any mutant, so nothing can be told by it: {failure(done.stdout)}")
    passed = re.search(r"(\d+) passed", done.stdout)
    if passed is None:
        raise SystemExit(f"{selection} did not run, so nothing can be told by it:\n{done.stdout}")
    return int(passed[1])


def noticed_by(mutant: Mutant, unbroken: Path) -> str | None:
    """Return the failure that the mutant leads to, or None where its tests pass."""
    with tempfile.TemporaryDirectory(prefix="hxi-mutant-") as directory:
        tree = Path(directory)
        copy(unbroken, tree)
        mutant.apply(tree)
        done = run(tree, mutant.selection)
    return failure(done.stdout) if done.returncode else None


def run(tree: Path, selection: Selection) -> "subprocess.CompletedProcess[str]":
    """Run tests in ``tree`` up to the first that fails.

    Raises:
        SystemExit: they could not be run, or did not come to an end.
    """
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=line", *selection.tests]
    environment = {**os.environ, "HXI_TEST_FAULTS_ONLY": selection.only}
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise SystemExit(f"{selection} did not end within {PATIENCE_S} s") from None
    if done.returncode not in (0, 1):
        raise SystemExit(f"{selection}: pytest ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def failure(output: str) -> str:
    """Return which test failed, and with which words."""
    test = re.search(r"^(?:FAILED|ERROR) \S*::(\w+)", output, re.MULTILINE)
    words = re.search(r"^\S+:\d+: (.*)", output, re.MULTILINE) or re.search(r"^E +(.*)", output, re.MULTILINE)
    return f"{test[1] if test else '?'}: {words[1][:100] if words else ''}".replace("|", "/")


def show(name: str, what: str, noticed: str, began: float) -> None:
    """Print a row of the table."""
    print(f"| {name} | {what} | {noticed} | {time.monotonic() - began:.0f} |", flush=True)


if __name__ == "__main__":
    raise SystemExit(min(1, main(sys.argv[1:])))
