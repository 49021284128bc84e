"""Applies the privacy policy to JSON: by its texts, and by what its keys say that values are.

Total; linear in the value. Nothing is lost: where keys come out the same, the later ones get a number.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from pipeline.masking import CARD_MASK, DIGITS_MASK, LONG, is_card
from pipeline.short_texts import remembered

MOST_EXACT = 2**53
"""Up to here a float has every digit of a whole number."""

_ONLY_ADDRESS = re.compile(
    r"\s*\[?(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)(?:%\w+)?\]?(?::\d{1,5})?\s*"
)

_PERHAPS = re.compile(
    rb"[@?#;=\\%:0-9](?:(?<=[@?#;=\\])|(?<=%)[0-9A-Fa-f]{2}|(?<=:)(?::|[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{0,4}:)"
    rb"|(?<=[0-9])(?:[0-9]{8}|\.[0-9]{1,3}\.[0-9]|(?:[ ._+-]{0,3}[0-9]){12}))"
)
"""In ASCII JSON: where an address, a query, a number or an IP address may be."""


class Kind(Enum):
    """What a key says that its value is. TEXT: it says nothing; PROSE: that it is for people to read."""

    TEXT = auto()
    PROSE = auto()
    URL = auto()
    QUERY = auto()
    SEARCH = auto()
    ADDRESS = auto()
    VERSION = auto()
    MEASURE = auto()


_INHERITED = frozenset({Kind.URL, Kind.ADDRESS})
"""What is within, too, under keys that say nothing."""

_PAIR = re.compile(r"\s*[\w$.%\[\]+~-]{1,200}=")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")

_KINDS: list[tuple[Kind, re.Pattern[str]]] = [
    (Kind.ADDRESS, re.compile(r".*ips?|ipv[46]|ip_?addr.*|addr|addresse?s?|.*address|.*addr|forwarded|xff")),
    (
        Kind.URL,
        re.compile(
            r"ur[li].*|.*ur[li]s?|.*href|.*referr?er|.*location|.*endpoint|.*redirect|.*links?|.*src|.*path|pathname"
            r"|pages?|routes?"
        ),
    ),
    (Kind.SEARCH, re.compile(r"query|search|params|qs")),
    (
        Kind.VERSION,
        re.compile(
            r"ver|(?:app|sdk|api|os|browser|client|server|lib|library|firmware|schema|engine|driver|web|package|plugin)?"
            r"versions?|build|release|revision"
        ),
    ),
    (
        Kind.MEASURE,
        re.compile(
            r"m?s|us|ns|ts|at|.*time|.*timestamp|date|duration|elapsed|epoch|.*bytes?|.*size|.*heap|.*memory|.*length"
            r"|count|quota|latency"
        ),
    ),
    (Kind.PROSE, re.compile(r"title|text|label|message|description|caption|heading")),
]
_NUMBERED = frozenset({Kind.ADDRESS, Kind.URL})
"""Also where digits stand behind the word: ``ip2``."""


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What is done to a text, to a URL, and to the IP addresses in a text; whether numbers are masked."""

    text: Callable[[str], str]
    url: Callable[[str], str]
    addresses: Callable[[str], str]
    numbers: bool


def may_hold_some(dumped: bytes) -> bool:
    """Return whether a value may hold anything to mask, by its JSON: nearly none do, and need no walk."""
    return not dumped.isascii() or _PERHAPS.search(dumped) is not None


def cleaned(value: Any, cleaning: Cleaning, kind: Kind = Kind.TEXT) -> Any:
    """Return ``value``, which is of this ``kind``, cleaned throughout."""
    if isinstance(value, str):
        return _clean_text(value, cleaning, kind)
    if isinstance(value, dict):
        keys = _distinct(
            value, cleaning.text if kind is Kind.VERSION else lambda key: _clean_text(key, cleaning, Kind.TEXT)
        )
        return {
            clean: cleaned(item, cleaning, _kind_within(key, kind))
            for clean, (key, item) in zip(keys, value.items(), strict=True)
        }
    if isinstance(value, list):
        return [cleaned(item, cleaning, kind) for item in value]
    return _clean_number(value, kind) if cleaning.numbers else value


@remembered
def kind_of(key: str) -> Kind:
    """Return what ``key`` says: by the words of ``snake_case``, ``camelCase`` and ``Header-Case``."""
    words = [word.lower() for word in _WORD.findall(key[:200])]
    if "".join(words).endswith(("querystring", "searchparams", "locationsearch")):
        return Kind.QUERY
    for kind, pattern in _KINDS:
        if any(map(pattern.fullmatch, words)):
            return kind
        if kind in _NUMBERED and any(pattern.fullmatch(word.rstrip("0123456789")) for word in words):
            return kind
    return Kind.TEXT


def _kind_within(key: str, around: Kind) -> Kind:
    kind = kind_of(key)
    return around if kind is Kind.TEXT and around in _INHERITED else kind


def _clean_text(text: str, cleaning: Cleaning, kind: Kind) -> str:
    if kind is Kind.URL:
        return cleaning.url(text)
    if (kind is Kind.QUERY and ("=" in text or "?" in text)) or (
        kind is Kind.SEARCH and (text.startswith(("?", "#")) or _PAIR.match(text))
    ):
        return cleaning.url(text) if text.startswith("?") else cleaning.url(f"?{text}").removeprefix("?")
    if kind is Kind.ADDRESS or (kind is not Kind.VERSION and _ONLY_ADDRESS.fullmatch(text)):
        text = cleaning.addresses(text)
    return cleaning.text(text)


def _clean_number(value: Any, kind: Kind) -> Any:
    """Mask a card, and a long whole number that is no time since 1970 and, by its key, no measure."""
    if type(value) is float and value.is_integer() and abs(value) < MOST_EXACT:
        number = int(value)
    elif type(value) is int:
        number = value
    else:
        return value
    if abs(number) < 10 ** (LONG - 1):
        return value
    digits = str(abs(number))
    if is_card(digits):
        return CARD_MASK
    is_time = digits[0] == "1" and len(digits) in (10, 13, 16, 19)  # in s, ms, µs, ns: of 2001 to 2033
    return value if is_time or kind is Kind.MEASURE else DIGITS_MASK


def _distinct(keys: Iterable[str], clean: Callable[[str], str]) -> list[str]:
    """Return ``keys`` cleaned; those that change get a number where there is such a key already."""
    pairs = [(key, clean(key)) for key in keys]
    taken = {key for key, made in pairs if key == made}
    next_number: dict[str, int] = {}
    distinct = []
    for key, made in pairs:
        name = made
        while key != made and name in taken:
            next_number[made] = number = next_number.get(made, 1) + 1
            name = f"{made} ({number})"
        taken.add(name)
        distinct.append(name)
    return distinct
