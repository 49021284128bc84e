"""Log lines are sentences on a terminal, and JSON objects with fields of their own elsewhere."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agents.logs import LogFormat, set_up_logging

logger = logging.getLogger("agents.somewhere")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    root.handlers.clear()  # or they would be closed
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


def said(monkeypatch: pytest.MonkeyPatch, stderr: io.StringIO, log_format: LogFormat) -> str:
    """Return how a fault is logged."""
    monkeypatch.setattr(sys, "stderr", stderr)
    set_up_logging(log_format)
    try:
        raise ValueError("no «room»")
    except ValueError:
        logger.exception("Writing %d events failed", 3, extra={"target": "database"})
    logging.getLogger("aiokafka.consumer").info("chatter")
    return stderr.getvalue()


@pytest.mark.parametrize("stderr", [io.StringIO, Terminal])
def test_json_is_one_object_a_line_whatever_is_said(monkeypatch: pytest.MonkeyPatch, stderr: type[io.StringIO]) -> None:
    (line,) = said(monkeypatch, stderr(), "json").splitlines()
    found: dict[str, Any] = json.loads(line)
    age = datetime.now(UTC) - datetime.fromisoformat(found.pop("time"))
    assert timedelta() <= age < timedelta(minutes=1)
    assert found.pop("traceback").splitlines()[-1] == "ValueError: no «room»"
    assert found == {
        "level": "ERROR",
        "logger": "agents.somewhere",
        "message": "Writing 3 events failed",
        "target": "database",
    }


def test_text_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    first, *traceback = said(monkeypatch, io.StringIO(), "text").splitlines()
    assert first.endswith(" ERROR   Writing 3 events failed")
    assert traceback[-1] == "ValueError: no «room»"


def test_by_itself_a_terminal_gets_text_and_everything_else_json(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not said(monkeypatch, Terminal(), "auto").startswith("{")
    assert said(monkeypatch, io.StringIO(), "auto").startswith("{")
