"""Breaks the program in each known way, in a copy, and shows which test noticed: ``python -m tests.mutants [NAME…]``.

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

from tests.mutants import Mutant, mutants

TOP = Path(__file__).parents[2]
NEEDED = ("schema", "pipeline", "agents", "tests", "pyproject.toml")
PATIENCE_S = 900


def main(names: list[str]) -> int:
    """Try the mutants of these names, or all; return how many survived."""
    survivors = 0
    print("| mutant | what it breaks | noticed by | after s |\n|---|---|---|---|", flush=True)
    for mutant in mutants():
        if not names or mutant.name in names:
            began = time.monotonic()
            noticed = noticed_by(mutant)
            survivors += noticed is None
            seconds = time.monotonic() - began
            print(f"| {mutant.name} | {mutant.what} | {noticed or '**nobody**'} | {seconds:.0f} |", flush=True)
    return survivors


def noticed_by(mutant: Mutant) -> str | None:
    """Return the failure that the mutant leads to, or None where its tests pass."""
    with tempfile.TemporaryDirectory(prefix="hxi-mutant-") as directory:
        tree = Path(directory)
        for name in NEEDED:
            copy = shutil.copytree if (TOP / name).is_dir() else shutil.copy
            copy(TOP / name, tree / name)
        (tree / ".hxi").symlink_to(TOP / ".hxi")  # Kafka, fetched once
        mutant.apply(tree)
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=line", *mutant.tests]
        environment = {**os.environ, "HXI_TEST_FAULTS_ONLY": mutant.only}
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    if done.returncode not in (0, 1):
        raise SystemExit(f"{mutant.name}: pytest ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return failure(done.stdout) if done.returncode else None


def failure(output: str) -> str:
    """Return which test failed, and with which words."""
    test = re.search(r"^(?:FAILED|ERROR) \S*::(\w+)", output, re.MULTILINE)
    words = re.search(r"^E +(.*)|^\S+:\d+: (.*)", output, re.MULTILINE)
    why = next(filter(None, words.groups()), "") if words else ""
    return f"{test[1] if test else '?'}: {why[:100]}".replace("|", "/")


if __name__ == "__main__":
    raise SystemExit(min(1, main(sys.argv[1:])))
