"""How log lines look: a sentence each for people, one JSON object each for machines.

A line tells of a change (partitions, servers, faults), never of an event; none holds what a
message said. What a machine would look for in the sentence is beside it, in fields of its own.
"""

import logging
import sys
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Literal, get_args

from aiohttp.http_exceptions import HttpProcessingError
from pythonjsonlogger.json import JsonFormatter

from agents.repeats import Repeats

LogFormat = Literal["auto", "text", "json"]

logger = logging.getLogger(__name__)

_QUIET = ("faust", "mode", "agents.app", "agents.transport", "aiokafka", "kafka", "yoyo", "asyncio")
"""Loggers of libraries, and of what Faust names after our modules: only their warnings are shown."""


_NO_GROUPS_YET = "GroupCoordinatorNotAvailableError"
"""Of aiokafka, which commands have no time to import."""


class _Handler(logging.StreamHandler[Any]):
    """To standard error, also of what cannot be said: a library's template with other values than it has places for."""

    def handleError(self, record: logging.LogRecord) -> None:
        if record.args and not isinstance(sys.exc_info()[1], OSError):  # or else nobody listens
            record.msg, record.args = f"(cannot be shown in full) {record.msg}", ()
            self.emit(record)


def set_up_logging(log_format: LogFormat) -> None:
    """Log to standard error; ``auto`` is text where that is a terminal, and JSON elsewhere."""
    is_text = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    handler = _Handler(sys.stderr)
    handler.setFormatter(_text() if is_text else _json())
    handler.addFilter(Repeats())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # commands say themselves what failed, in a sentence
    logging.getLogger("aiohttp.server").addFilter(_is_not_about_a_bad_request)
    logging.getLogger("agents.app").addFilter(_is_not_the_crash)
    logging.getLogger("aiokafka.consumer.group_coordinator").addFilter(_tone_down)


def log_all(environment: Mapping[str, str]) -> None:
    """Make everything that a process says on standard error a line of its log, what Python itself says there as well.

    Before the settings are read: what is wrong with them is a line too.
    """
    chosen = environment.get("HXI_LOG_FORMAT")
    set_up_logging(chosen if chosen in get_args(LogFormat) else "auto")  # type: ignore[arg-type]
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    sys.unraisablehook = _log_ignored
    threading.excepthook = _log_in_thread


def _log_uncaught(kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None) -> None:
    _log("The process was ended", kind, error, traceback)


def _log_in_thread(args: threading.ExceptHookArgs) -> None:
    name = "A thread" if args.thread is None else f"The thread {args.thread.name}"
    _log(f"{name} was ended", args.exc_type, args.exc_value, args.exc_traceback)


def _log_ignored(args: "sys.UnraisableHookArgs") -> None:
    _log("What cannot be raised was ignored", args.exc_type, args.exc_value, args.exc_traceback)


def _log(what: str, kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None) -> None:
    raised = error if error is not None else kind()
    logger.error("%s: %s", what, kind.__name__, exc_info=(kind, raised, traceback))


def _is_not_about_a_bad_request(record: logging.LogRecord) -> bool:
    """Keep out what is no HTTP: it would be quoted, with a traceback, and whoever sent it has been answered 400."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


def _is_not_the_crash(record: logging.LogRecord) -> bool:
    """Keep out what the application, as Faust has it, died of: the worker says it, in a sentence where there is one."""
    return "Crashed reason=" not in str(record.msg)


def _tone_down(record: logging.LogRecord) -> bool:
    """Make no error of what the first worker on a new Kafka meets, while that makes its topic of groups."""
    if isinstance(record.args, tuple) and any(type(one).__name__ == _NO_GROUPS_YET for one in record.args):
        record.levelno, record.levelname = logging.INFO, "INFO"
    return True


def _text() -> logging.Formatter:
    return logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S")


def _json() -> logging.Formatter:
    return JsonFormatter(
        ["levelname", "name", "message"],
        timestamp="time",
        json_ensure_ascii=False,
        rename_fields={"levelname": "level", "name": "logger", "exc_info": "traceback"},
    )
