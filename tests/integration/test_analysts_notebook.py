"""The notebook of ``docs/analysts.md`` runs as it stands there: its commands first, then its cells in their order."""

import re
import shlex
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.deployment import REPOSITORY
from tests.questions import PAGE
from tests.roles import as_analyst
from tests.visits import visits, write

SECTION = PAGE.read_text("utf-8").partition("\n## Out of the database\n")[2].partition("\n## ")[0]
COMMANDS = [shlex.split(line) for line in SECTION.splitlines() if line.startswith("hxi ")]
CELLS = re.findall(r"^```python\n(.+?)^```$", SECTION, re.MULTILINE | re.DOTALL)


async def test_the_commands_export_and_each_cell_has_an_answer(
    own_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(own_database, visits(4_000, datetime(2024, 1, 1)))  # noqa: DTZ001 - UTC, as rows are
    environment = {"HXI_DATABASE_URL": as_analyst(own_database), "PYTHONPATH": str(REPOSITORY)}
    for command in COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "agents", *command[1:]],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr.decode()
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for cell in CELLS:
        exec(cell, names)
        shown = names[cell.splitlines()[-1]]
        assert isinstance(shown, duckdb.DuckDBPyRelation)
        assert shown.fetchall(), cell


def test_the_page_has_both() -> None:
    assert (len(COMMANDS), len(CELLS)) == (4, 3)
