"""A coverage-guided fuzzer of decoding, and the corpus that it starts from: see ``__main__``.

A file of the corpus is the value of a record, byte for byte. Those with names to read were written by hand; the fuzzer
found the others, each because it takes a way through the code that no other takes.
"""

from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
MOST_BYTES = 150_000
"""All of the corpus together: it is replayed with the unit tests."""


def corpus() -> list[Path]:
    """Return the files of the corpus."""
    return sorted(CORPUS.iterdir())
