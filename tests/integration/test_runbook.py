"""What the runbook tells to type can be typed."""

import re
import shlex

import psycopg
import pytest
import typer

from agents.cli import app
from tests.monitoring import DEPLOY

TEXT = (DEPLOY.parent / "docs/runbook.md").read_text("utf-8")
STATEMENTS = re.findall(r"[^;]+;", "".join(re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)))
COMMANDS = sorted({line.partition("#")[0].strip("` ") for line in re.findall(r"`?\bhxi [a-z][^`\n]*", TEXT)})


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_is_one_that_the_database_knows(database_url: str, statement: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(statement.encode())


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_one_that_hxi_has(command: str) -> None:
    words = shlex.split(command)[1:]
    known = typer.main.get_command(app)
    while words and words[0] in getattr(known, "commands", {}):
        known = known.commands[words.pop(0)]  # type: ignore[attr-defined]
    assert not hasattr(known, "commands"), f"{command} lacks a command or names one that is not there"
    options = {option for parameter in known.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_some_of_both_were_found() -> None:
    assert len(STATEMENTS) == 2
    assert len(COMMANDS) >= 4
