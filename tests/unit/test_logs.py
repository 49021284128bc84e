"""Log lines are sentences on a terminal, and JSON objects with fields of their own elsewhere."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka.errors import GroupCoordinatorNotAvailableError

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


UNEXPECTED = {
    "raise ValueError('so')": "The process was ended: ValueError",
    "threading.Thread(target=lambda: 1 / 0, name='one').start()": "The thread one was ended: ZeroDivisionError",
    "type('A', (), {'__del__': lambda self: 1 / 0})()": "What cannot be raised was ignored: ZeroDivisionError",
}


@pytest.mark.parametrize("doing", list(UNEXPECTED))
@pytest.mark.parametrize("log_format", ["json", "nonsense"])
def test_what_nobody_expected_is_a_line_with_its_traceback(doing: str, log_format: str) -> None:
    (found,) = lines_of(doing, log_format)
    assert found["message"] == UNEXPECTED[doing]
    assert found["level"] == "ERROR"
    assert found["traceback"].startswith("Traceback (most recent call last):")


@pytest.mark.parametrize(
    ("doing", "said"),
    [
        ("warnings.warn('old', FutureWarning)", "FutureWarning: old"),
        ("logging.getLogger('kind').warning('%d apples', 'no')", "(cannot be shown in full) %d apples"),
        ("logging.getLogger('aiokafka').error('away %d', 1); logging.getLogger('aiokafka').error('away %d', 2)", ""),
    ],
)
def test_warnings_and_what_cannot_be_formatted_are_a_line(doing: str, said: str) -> None:
    (found,) = lines_of(doing, "json")
    assert said in found["message"]


def lines_of(doing: str, log_format: str) -> list[dict[str, Any]]:
    """Return all that a process says which does ``doing``."""
    begin = (
        f"import logging, threading, warnings, agents.logs; agents.logs.log_all({{'HXI_LOG_FORMAT': {log_format!r}}})"
    )
    done = subprocess.run([sys.executable, "-c", f"{begin}; {doing}"], capture_output=True, text=True, check=False)
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_what_the_application_died_of_is_left_to_the_worker_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    set_up_logging("text")
    logging.getLogger("agents.app").exception("[^PipelineApp]: Crashed reason=%r", ValueError("x"))
    assert stderr.getvalue() == ""


@pytest.mark.parametrize(("error", "level"), [(GroupCoordinatorNotAvailableError(), "INFO"), (OSError(), "ERROR")])
def test_a_kafka_that_has_had_no_group_yet_is_no_error(
    monkeypatch: pytest.MonkeyPatch, error: Exception, level: str
) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    set_up_logging("text")
    logging.getLogger("aiokafka.consumer.group_coordinator").error("Group Coordinator Request failed: %s", error)
    assert stderr.getvalue().split()[1] == level
