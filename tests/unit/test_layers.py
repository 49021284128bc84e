"""Imports point down only, each library has one home, and nothing below the agents looks at a clock."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import agents
import pipeline
import schema

TOP = Path(__file__).parents[2]
BELOW = {
    "schema": {"schema"},
    "pipeline": {"schema", "pipeline"},
    "pipeline.sinks": {"schema", "pipeline", "pipeline.sinks"},
    "pipeline.training": {"schema", "pipeline", "pipeline.training"},
    "agents": {"schema", "pipeline", "pipeline.sinks", "pipeline.training", "agents"},
}
"""What each layer may import of ours."""

LIBRARIES = {
    "schema": {"pydantic", "pydantic_core", "msgspec"},
    "pipeline": {
        "pydantic.ValidationError",
        "ddsketch.mapping.LogarithmicMapping",
        "numpy",
        "ua_parser",
        "crawleruseragents",
    },
    "pipeline.sinks": {"psycopg", "yoyo", "adbc_driver_manager", "adbc_driver_postgresql", "pyarrow"},
    "pipeline.training": {"numpy", "scipy", "sklearn"},
}
"""What each layer may import of others; the agents may import anything but the sinks' own."""

CLOCKS = (
    "time.",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
)
CHANCE = ("uuid.uuid1", "uuid.uuid4", "os.urandom", "secrets.")
SEEDED = {"random.Random"}


def layer_of(module: str) -> str:
    """Return the layer that a module of ours is in."""
    return next(layer for layer in sorted(BELOW, reverse=True) if f"{module}.".startswith(f"{layer}."))


def modules() -> Iterator[tuple[str, Path]]:
    """Return every module of ours by its dotted name."""
    for package in ("schema", "pipeline", "agents"):
        for file in sorted((TOP / package).rglob("*.py")):
            parts = file.relative_to(TOP).with_suffix("").parts
            yield ".".join(parts).removesuffix(".__init__"), file


MODULES = dict(modules())


def imports(source: str) -> set[str]:
    """Return the dotted names that ``source`` imports, at any depth of it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports here are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def uses(source: str) -> set[str]:
    """Return the dotted names that ``source`` uses, spelt out by its imports."""
    tree = ast.parse(source)
    spelt: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            spelt |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            spelt |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    texts = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Attribute)}
    return {spelt[first] + text.removeprefix(first) for text in texts if (first := text.split(".")[0]) in spelt}


def forbidden_imports(layer: str, source: str) -> set[str]:
    """Return what ``source`` imports although its layer may not."""
    names = {name for name in imports(source) if name.split(".")[0] not in sys.stdlib_module_names}
    ours = {name for name in names if name.split(".")[0] in ("schema", "pipeline", "agents", "tests")}
    upward = {name for name in ours if name.startswith("tests") or layer_of(name) not in BELOW[layer]}
    if layer == "agents":
        return upward | {name for name in names if name.split(".")[0] in LIBRARIES["pipeline.sinks"]}
    allowed = LIBRARIES[layer]
    return upward | {name for name in names - ours if name not in allowed and name.split(".")[0] not in allowed}


def chances_and_clocks(source: str) -> set[str]:
    """Return what ``source`` uses that differs from run to run."""
    found = {name for name in uses(source) if name.startswith((*CLOCKS, *CHANCE))}
    return found | {name for name in uses(source) if name.startswith("random.") and name not in SEEDED}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_what_its_layer_may(module: str) -> None:
    assert forbidden_imports(layer_of(module), MODULES[module].read_text("utf-8")) == set()


@pytest.mark.parametrize("module", [name for name in MODULES if layer_of(name) != "agents"])
def test_time_is_given_and_never_taken_below_the_agents(module: str) -> None:
    assert chances_and_clocks(MODULES[module].read_text("utf-8")) == set()


@pytest.mark.parametrize(
    ("layer", "source"),
    [
        ("schema", "import pipeline.decode"),
        ("schema", "from psycopg import errors"),
        ("pipeline", "from agents.settings import Settings"),
        ("pipeline", "from pipeline.sinks.contract import Sink"),
        ("pipeline", "from pydantic import BaseModel"),
        ("pipeline", "def late():\n    import faust"),
        ("pipeline", "from pipeline.training.fit import fit"),
        ("pipeline.sinks", "import prometheus_client"),
        ("pipeline.sinks", "import agents"),
        ("agents", "import psycopg"),
        ("agents", "from pyarrow.parquet import ParquetWriter"),
        ("agents", "from tests.builders import kept"),
    ],
)
def test_an_import_that_points_up_or_to_anothers_library_is_found(layer: str, source: str) -> None:
    assert len(forbidden_imports(layer, source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.monotonic()",
        "from time import time as now\nnow.hour",
        "from datetime import datetime\ndatetime.now()",
        "import datetime as d\nd.datetime.utcnow()",
        "from random import random\nrandom()",
        "import random\nrandom.choice([1])",
        "from uuid import uuid4\nuuid4()",
    ],
)
def test_a_clock_or_chance_is_found(source: str) -> None:
    assert chances_and_clocks(source)


@pytest.mark.parametrize("package", [schema, pipeline, agents])
def test_the_packages_imported_are_the_projects_own(package: object) -> None:
    file = getattr(package, "__file__", None)
    assert file is not None
    assert Path(file).parent.parent == TOP
