"""How log lines look: a sentence each for people, one JSON object each for machines.

A line tells of a change (partitions, servers, faults), never of an event; none holds what a
message said. What a machine would look for in the sentence is beside it, in fields of its own.
"""

import logging
import sys
from typing import Literal

from aiohttp.http_exceptions import HttpProcessingError
from pythonjsonlogger.json import JsonFormatter

LogFormat = Literal["auto", "text", "json"]

_QUIET = ("faust", "mode", "agents.app", "agents.transport", "aiokafka", "kafka", "yoyo", "asyncio")
"""Loggers of libraries, and of what Faust names after our modules: only their warnings are shown."""


def set_up_logging(log_format: LogFormat) -> None:
    """Log to standard error; ``auto`` is text where that is a terminal, and JSON elsewhere."""
    is_text = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_text() if is_text else _json())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # commands say themselves what failed, in a sentence
    logging.getLogger("aiohttp.server").addFilter(_is_not_about_a_bad_request)


def _is_not_about_a_bad_request(record: logging.LogRecord) -> bool:
    """Keep out what is no HTTP: it would be quoted, with a traceback, and whoever sent it has been answered 400."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


def _text() -> logging.Formatter:
    return logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S")


def _json() -> logging.Formatter:
    return JsonFormatter(
        ["levelname", "name", "message"],
        timestamp="time",
        json_ensure_ascii=False,
        rename_fields={"levelname": "level", "name": "logger", "exc_info": "traceback"},
    )
