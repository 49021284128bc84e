"""What the fuzzer has found, and started from, is decoded lawfully; and the fuzzer itself works, where there is one."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.privacy import PrivacyPolicy
from pipeline.tidy import DecodePolicy
from tests.fuzz import CORPUS, MOST_BYTES, corpus
from tests.hostile.laws import check

TOP = Path(__file__).parents[2]
KEEPING = DecodePolicy(privacy=PrivacyPolicy(ip_address="keep", url_query="keep", free_text="keep", replay="keep"))

NEEDS_ATHERIS = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="there is no atheris for this platform"
)


@pytest.mark.parametrize("file", corpus(), ids=lambda file: file.name)
def test_what_the_fuzzer_found_is_decoded_lawfully(file: Path) -> None:
    check(file.read_bytes())
    check(file.read_bytes(), KEEPING)


def test_the_corpus_is_small_and_holds_nothing_twice() -> None:
    values = [file.read_bytes() for file in corpus()]
    assert len(set(values)) == len(values) > 100
    assert sum(map(len, values)) < MOST_BYTES


SPOILT = "import schema.fields; schema.fields.INT4_MAX = 2**40"
"""What makes decoding let numbers through for which there is no room."""


def fuzz(tree: Path) -> "subprocess.CompletedProcess[str]":
    """Run the fuzzer of this checkout for a moment, its findings left in ``tree``."""
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "60", "-runs=400", "-seed=1"],
        cwd=tree,
        env={"PYTHONPATH": f"{tree}:{TOP}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@NEEDS_ATHERIS
def test_the_fuzzer_runs_through_the_corpus_and_on(tmp_path: Path) -> None:
    done = fuzz(tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"{sum(1 for file in corpus() if file.stat().st_size)} files found in {CORPUS}" in done.stderr
    assert "Done 400 runs" in done.stderr


@NEEDS_ATHERIS
def test_the_fuzzer_ends_at_what_is_unlawful_and_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(SPOILT)
    done = fuzz(tmp_path)
    assert done.returncode != 0
    assert "AssertionError" in done.stdout + done.stderr
    (failure,) = (tmp_path / "build/fuzz/failures").iterdir()
    check(failure.read_bytes())
