"""Mutants fit the program as it is; ``make mutants`` shows that each is noticed."""

from pathlib import Path

import pytest

from tests.mutants import Mutant, Selection, mutants
from tests.mutants.__main__ import chosen, passes

TOP = Path(__file__).parents[2]

FAILING_OVER_ANOTHER = """try:
        1 / 0
    except ZeroDivisionError as error:
        raise ValueError("out of what came before") from error"""


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_mutant_still_fits(mutant: Mutant) -> None:
    mutant.apply(TOP, "--check")
    for test in mutant.selection.tests:
        file, _, name = test.partition("::")
        assert f"def {name}" in (TOP / file).read_text()


def test_a_mutant_that_nobody_knows_is_named() -> None:
    with pytest.raises(SystemExit, match="There is no mutant nonsense; there are ack-before-commit, "):
        chosen(["swap-removed", "nonsense"])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("assert 1 + 1 == 3, 'sums are wrong'", "`test_it` failed without any mutant, .*: test_it: .*sums are wrong"),
        (FAILING_OVER_ANOTHER, "`test_it` failed without any mutant, .*: test_it: ValueError: out of what came before"),
        ("__import__('pytest').skip('no broker')", "`test_it` did not run, so nothing can be told by it"),
    ],
    ids=["failing", "failing over another error", "skipped"],
)
def test_tests_that_say_nothing_without_a_mutant_stop_the_search(tmp_path: Path, body: str, said: str) -> None:
    (tmp_path / "test_one.py").write_text(f"def test_it():\n    {body}\n")
    with pytest.raises(SystemExit, match=said):
        passes(tmp_path, Selection(("test_one.py::test_it",)))


def test_tests_that_pass_without_a_mutant_are_counted(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text("def test_it():\n    pass\n\n\ndef test_other():\n    pass\n")
    assert passes(tmp_path, Selection(("test_one.py",))) == 2
