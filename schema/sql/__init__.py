"""The SQL of this project: migrations in order, queries by name, one statement each, who may do what, what there is."""

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import LiteralString


def migrations_folder() -> Path:
    """Return the folder of the migrations, named so that they sort in their order."""
    return Path(str(files(__name__))) / "migrations"


@cache
def query(name: str) -> LiteralString:
    """Return the statement in ``queries/<name>.sql``: part of the program, never built from input."""
    return (files(__name__) / "queries" / f"{name}.sql").read_text("utf-8")


def rights() -> LiteralString:
    """Return the statements of ``rights.sql``."""
    return (files(__name__) / "rights.sql").read_text("utf-8")


@cache
def inventory() -> frozenset[tuple[str, str]]:
    """Return what a worker needs, by ``inventory.txt``: tables with each column, sequences and functions with ''."""
    lines = (files(__name__) / "inventory.txt").read_text("utf-8").splitlines()
    parts = [line.partition(": ") for line in lines]
    return frozenset((name, column) for name, _, columns in parts for column in columns.split() or [""])
