"""Masks what identifies people in free text: e-mail addresses, card numbers, long numbers.

Every function is total and linear in the text: text in, text out, whatever an attacker makes of it. What was masked
comes out the same when it is masked again.
"""

import re
from collections.abc import Sequence

from pipeline.short_texts import remembered

EMAIL_MASK = "[email]"
CARD_MASK = "[card]"
DIGITS_MASK = "[digits]"

LEAST_DIGITS, MOST_DIGITS = 13, 19
"""Of a card number (ISO/IEC 7812-1 allows up to 19; with fewer than 13 none is in use)."""

LONG = 9
"""Digits of a number that may name somebody: account, telephone, social security numbers."""

LONGEST_LOOKED_AT = 20_000
"""Characters of a text in which rows of numbers are looked at group by group, which takes up to 1 µs a character. In
longer ones a row is masked whole: what has room for an attack is no prose."""

# Possessive and begun only where a word begins: linear in the text, also in 15 MB of one letter.
_AT = r"(?:[@\uff20\ufe6b]|%(?:25){0,3}40|&#0{0,6}64;|&#[xX]0{0,6}40;|&commat;|\\u0040)"
_ATOM = rf"(?:[\w.+!#$'*^`{{|}}~-]|(?!{_AT})[%&])"
"""What RFC 5322 has in an address, but for what stands around one in URLs: ``/ = ?``."""

_DOMAIN = r"(?:[\w-]++(?:(?:[.\u3002\uff0e\uff61]|%2[Ee])[\w-]++)++|\[(?:IPv6:)?[0-9A-Fa-f.:]{2,60}\])"
_EMAIL = re.compile(
    rf"(?:(?:(?<![\w.+!#$'*^`{{|}}~%&-])|(?<=%40)|(?<=%2540)|(?<=%252540))"
    rf"((?:[.+!#$'*^`{{|}}~-]|(?!{_AT})[%&])*+){_ATOM}++|()\"[^\"]*+\"){_AT}{_DOMAIN}(?:{_ATOM}++{_AT}{_DOMAIN})*+"
)
"""With the addresses that follow it without a space: behind one, no word begins."""

_SPACE = r"[\s\u00ad\u200b-\u200d\u2010-\u2015\u2060\u2212\ufe58\ufe63\uff0d\ufeff-]|%20|%09|%0[AaDd]|%2[Dd]|%C2%A0"
_ESCAPED_SPACE = r"&nbsp;|&#160;|\\[nrt]|\\u00[Aa]0"
_SPACES = re.compile(rf"(?:{_SPACE}|{_ESCAPED_SPACE})*+")
_BETWEEN = rf"(?:{_SPACE}|{_ESCAPED_SPACE}|[._+]|%2[BbEe]|%5[Ff])"
_GROUPS = re.compile(rf"({_BETWEEN}++)")
_NUMBERS = re.compile(
    rf"(?:(?<=%\d\d)|(?<!\d)(?<!%)(?<!%\d))"  # %20 is no part of a number
    rf"(?:\d(?:{_BETWEEN}{{0,3}}\d){{{LEAST_DIGITS - 1},}}+|(?<!\d\.)\d{{{LONG},}}+)"
)
"""Rows of as many digits as a card has; nine digits and more, which are not a decimal's."""

_PERHAPS_NUMBER = re.compile(rf"\d(?:\d{{{LONG - 1}}}|(?:{_BETWEEN}{{0,3}}\d){{{LEAST_DIGITS - 1}}})")

_HEX = re.compile(
    r"(?:(?<![0-9A-Za-z])|(?<=(?<![0-9A-Za-z])0[xX]))"
    r"(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{24,}+)(?![0-9A-Za-z])"
)
_LETTERS = re.compile("[a-fA-F]+")
_DIGITS = re.compile("[0-9]+")
_HASHES = frozenset({24, 32, 40, 48, 56, 64, 96, 128})
"""Digits of hashes and trace ids in hexadecimal; 24: MongoDB's ObjectId."""

_SHAPES = {(4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4), (8, 8)} | {(4, 4, 4, rest) for rest in range(1, 8)}
"""How many digits stand together where cards are written in groups: all, American Express and Diners Club."""

_COUNTS = {4: (9, 7, 5), 8: (3,)}
"""Of groups and what is between them, by the digits of the first."""

_DOUBLED = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
_SINGLE = bytes.maketrans(b"0123456789", bytes(range(10)))


@remembered
def mask(text: str) -> str:
    """Return ``text`` with e-mail addresses, card numbers (Luhn-valid) and runs of nine digits and more replaced."""
    if "@" in text or "%" in text or "&" in text or "\\u" in text or not text.isascii():
        text = _EMAIL.sub(_mask_email, text)
    if len(text) >= LONG and _PERHAPS_NUMBER.search(text):
        text = _without_numbers(text)
    return text


def _mask_email(match: re.Match[str]) -> str:
    """Keep what stands in front; a function, as a template is made anew for each text."""
    return (match[1] or "") + EMAIL_MASK


def is_card(digits: str) -> bool:
    """Return whether these are a payment card's: they begin with 2 to 6, and the last checks them.

    ISO/IEC 7812-1: its major industry identifiers 3 to 6 are banking's, and Mastercard has had 2221 to 2720 since
    2017; its annex B has the check digit (Luhn). Milliseconds of this century begin with 1.
    """
    if not LEAST_DIGITS <= len(digits) <= MOST_DIGITS:
        return False
    ascii_digits = str(int(digits)).encode()  # of any script
    if len(ascii_digits) != len(digits) or ascii_digits[0] not in b"23456":
        return False
    checked, doubled = ascii_digits[::-2].translate(_SINGLE), ascii_digits[-2::-2].translate(_DOUBLED)
    return (sum(checked) + sum(doubled)) % 10 == 0


def _without_numbers(text: str) -> str:
    """Mask the numbers, but within UUIDs and what is like a hash."""
    mask_row = _mask_row if len(text) <= LONGEST_LOOKED_AT else DIGITS_MASK
    pieces: list[str] = []
    end = 0
    for token in _HEX.finditer(text):
        if _is_random(token.group()):
            pieces += _NUMBERS.sub(mask_row, text[end : token.start()]), token.group()
            end = token.end()
    return "".join(pieces) + _NUMBERS.sub(mask_row, text[end:])


def _is_random(token: str) -> bool:
    """Return whether it is a UUID, or of a hash's length, its letters all over it and no number in it that rules it."""
    if "-" in token:
        return True
    if len(token) not in _HASHES or 8 * len(_LETTERS.findall(token)) < len(token):
        return False
    return not any(2 * len(run) > len(token) or is_card(run) for run in _DIGITS.findall(token))


def _mask_row(match: re.Match[str]) -> str:
    """Mask the cards in a row of numbers, and its long numbers; what is left between them may be one card oddly cut."""
    groups = _GROUPS.split(match.group())  # digits at even places, what is between them at odd ones
    masked, odd, place = [], 0, 0
    while place < len(groups):
        taken = _card_at(groups, place)
        if taken or _is_long(groups, place, odd):
            masked += _odd_card(groups[odd : max(odd, place - 1)])
            masked += groups[max(odd, place - 1) : place] if place > odd else []
            masked.append(CARD_MASK if taken else DIGITS_MASK)
            place += max(taken, 1)
            masked += groups[place : place + 1]
            place += 1
            odd = place
        else:
            place += 2
    return "".join(masked + _odd_card(groups[odd:]))


def _card_at(groups: Sequence[str], place: int) -> int:
    """Return how many of ``groups`` from ``place`` on, with what is between them, are a card in one of its shapes."""
    if len(groups[place]) >= LEAST_DIGITS:
        return int(is_card(groups[place]))
    for count in _COUNTS.get(len(groups[place]), ()):
        digits = groups[place : place + count : 2]
        if tuple(map(len, digits)) in _SHAPES and is_card("".join(digits)):
            return count
    return 0


def _is_long(groups: Sequence[str], place: int, odd: int) -> bool:
    """Return whether the number at ``place`` is a long one, and no decimal's fraction."""
    return len(groups[place]) >= LONG and not (place > odd and groups[place - 1] == ".")


def _odd_card(groups: Sequence[str]) -> list[str]:
    """Return ``groups`` or, where with nothing but spaces and dashes between they are a card, its mask."""
    if len(groups) >= 2 * MOST_DIGITS or not is_card("".join(groups[::2])):
        return list(groups)
    return [CARD_MASK] if _SPACES.fullmatch("".join(groups[1::2])) else list(groups)
