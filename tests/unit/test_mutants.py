"""Mutants fit the program as it is; ``make mutants`` shows that each is noticed."""

from pathlib import Path

import pytest

from tests.mutants import Mutant, mutants

TOP = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_mutant_still_fits(mutant: Mutant) -> None:
    mutant.apply(TOP, "--check")
    for test in mutant.tests:
        file, _, name = test.partition("::")
        assert f"def {name}" in (TOP / file).read_text()
