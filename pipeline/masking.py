"""Masks what identifies people in free text: e-mail addresses, card numbers, long numbers, what URLs carry.

Every function is total and linear in the text: text in, text out, whatever an attacker makes of it.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus, urlsplit, urlunsplit

from pipeline.short_texts import remembered

EMAIL_MASK = "[email]"
CARD_MASK = "[card]"
DIGITS_MASK = "[digits]"

LEAST_DIGITS, MOST_DIGITS = 13, 19
"""Of a card number (ISO/IEC 7812-1 allows up to 19; with fewer than 13 none is in use)."""

LONGEST_ROW = 1_000
"""Characters of a row of numbers in which cards are looked for: in megabytes of them that would take seconds."""

# Possessive and begun only where a word begins: linear in the text, also in 15 MB of one letter.
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]++(?:@|%40)[\w-]++(?:\.[\w-]++)++")
_NUMBERS = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,}+")
_GROUPS = re.compile(r"\b\d{4}(?:[ -]\d{4}){2}[ -]\d{1,7}\b")

_DIGITS = re.compile(r"(?<![0-9a-fA-F])(?<!\d\.)\d{9,}+(?![a-fA-F])")
"""Nine digits and more: account, telephone, social security numbers. Not within hexadecimal numbers, nor decimals."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

_URL = re.compile(r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,100}://[^\s\"'<>()?#]*+(?:[?#][^\s\"]*+)?")
_POSITION = re.compile(r"(?::\d{1,9}){2}\)?\Z")
"""Line and column, behind a script's URL in a stack trace."""

_PERHAPS_TO_MASK = re.compile(rb"@|%40|://|\d{9}|\d(?:[ -]?\d){12}")


@remembered
def mask(text: str) -> str:
    """Return ``text`` with e-mail addresses, card numbers (Luhn-valid) and runs of nine digits and more replaced."""
    if "@" in text or "%40" in text:
        text = _EMAIL.sub(EMAIL_MASK, text)
    if len(text) >= 9:
        text = _DIGITS.sub(_mask_digits, _NUMBERS.sub(_mask_cards, text))
    return text


def without_queries(text: str, allowed: frozenset[str] = frozenset()) -> str:
    """Return ``text`` with every absolute URL in it cut as :func:`without_query` does; positions behind one stay."""
    return _URL.sub(lambda match: _cut(match.group(), allowed), text) if "://" in text else text


def without_query(url: str, allowed: frozenset[str] = frozenset()) -> str:
    """Return ``url`` without fragment, user name, password, and of its query only the parameters ``allowed``."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return re.split("[?#]", url, maxsplit=1)[0]
    query = "&".join(pair for pair in parts.query.split("&") if _name(pair) in allowed) if allowed else ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


def path_of(url: str) -> str:
    """Return the path of ``url``, ``/`` where it has none: the screen's name by default."""
    try:
        return urlsplit(url).path or "/"
    except ValueError:
        return re.split("[?#]", url, maxsplit=1)[0]


def may_hold_some(dumped: bytes) -> bool:
    """Return whether a value may hold anything to mask, by its JSON: nearly none do, and need no walk."""
    return _PERHAPS_TO_MASK.search(dumped) is not None


def mask_json(value: Any, clean: Callable[[str], str], *, cards: bool) -> Any:
    """Return ``value`` with ``clean`` done to every text in it; ``cards``: card numbers that are numbers are masked."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(key): mask_json(item, clean, cards=cards) for key, item in value.items()}
    if isinstance(value, list):
        return [mask_json(item, clean, cards=cards) for item in value]
    if cards and type(value) is int and 10**12 <= value < 10**19 and _is_card(str(value)):
        return CARD_MASK
    return value


def _name(pair: str) -> str:
    return unquote_plus(pair.partition("=")[0])


def _cut(url: str, allowed: frozenset[str]) -> str:
    if not ("?" in url or "#" in url or "@" in url):
        return url
    position = _POSITION.search(url)
    end = position.start() if position else len(url)
    return without_query(url[:end], allowed) + url[end:]


def _mask_cards(match: re.Match[str]) -> str:
    """Mask the card that the match is, or those that stand in fours in a row of numbers; a very long row has none."""
    row = match.group()
    if len(row) <= LONGEST_ROW:
        row = _GROUPS.sub(_mask_card, row)
    return CARD_MASK if len(row) <= 2 * MOST_DIGITS and _is_card(row) else row


def _mask_card(match: re.Match[str]) -> str:
    return CARD_MASK if _is_card(match.group()) else match.group()


def _mask_digits(match: re.Match[str]) -> str:
    """Leave the run where it is the last group of a UUID."""
    start = max(0, match.start() - 24)
    is_in_uuid = _UUID.search(match.string, start, match.end()) is not None
    return match.group() if is_in_uuid else DIGITS_MASK


def _is_card(text: str) -> bool:
    """Return whether the digits in ``text`` are a payment card's: they begin with 2 to 6, and the last checks them.

    ISO/IEC 7812-1: its major industry identifiers 3 to 6 are banking's, and Mastercard has had 2221 to 2720 since
    2017; its annex B has the check digit (Luhn). Milliseconds of this century begin with 1.
    """
    digits = [int(char) for char in text if char.isdecimal()]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (
        LEAST_DIGITS <= len(digits) <= MOST_DIGITS
        and 2 <= digits[0] <= 6
        and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
    )
