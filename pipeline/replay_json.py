"""Reads the texts of a replay chunk that are JSON themselves, and tells those that are like it."""

import re
from typing import Any

from schema.json_text import NotJson, NotStorable, dump, dump_refused, parse

LEAST_TEXT = 10
"""Characters of JSON that may hold something typed: it has a key, too."""

MOST_TEXTS = 50_000
"""In one chunk that are read as JSON, each in up to 5 µs."""

_BEGINS = re.compile(r'\s*[\[{"]')

_QUOTE = r"(?:\\*[\"']|&quot;|&#34;|%22)"
_KEY = re.compile(rf"(?:[{{,]|%7[Bb]|%2[Cc])\s*{_QUOTE}[\w$. -]{{1,60}}{_QUOTE}\s*(?::|%3[Aa])")


class JsonTexts:
    """The texts of one chunk, of which so many are read."""

    def __init__(self) -> None:
        self._read = 0

    def read(self, text: str) -> list[Any] | None:
        """Return a list of the value that ``text`` is as JSON; None where it is none, has no key or comes late."""
        if '"' not in text or ":" not in text:
            return None
        self._read += 1
        if self._read > MOST_TEXTS:
            return None
        try:
            return [parse(text.encode(errors="replace"))]
        except NotJson:
            return None


def begins_as_json(text: str) -> bool:
    """Return whether ``text`` may be an array, an object or a text in JSON."""
    return _BEGINS.match(text) is not None


def is_like_json(text: str) -> bool:
    """Return whether an object's key is anywhere in ``text``: next to never in packed text, which is as if random."""
    return _KEY.search(text) is not None


def dumped(value: Any) -> str:
    """Return what was read as a text again."""
    try:
        return dump(value).decode()
    except NotStorable:
        return dump_refused(value).decode()
