"""The privacy policy: what of a person's data is changed before anything is stored.

Decides per text, knows no table. Every function is total: text in, text out. A policy has its functions made once,
so that an event pays for none of its choices.
"""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from pipeline.short_texts import remembered

EMAIL_MASK = "[email]"
CARD_MASK = "[card]"

# Possessive and begun only where a word begins: linear in the text, also in 15 MB of one letter.
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++")
_CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])")
_DIGIT_RUN = re.compile(rb"\d(?:[ -]?\d){12}")


@dataclass(frozen=True)
class PrivacyPolicy:
    """What is masked or dropped; the defaults are the contract's."""

    ip_address: Literal["truncate", "keep", "drop"] = "truncate"
    url_query: Literal["drop", "keep"] = "drop"
    free_text: Literal["mask", "keep"] = "mask"

    def clean_ip(self, address: str | None) -> str | None:
        """Return the network of ``address`` (/24, /48); text that is no address is dropped."""
        if address is None or self.ip_address == "keep":
            return address
        return None if self.ip_address == "drop" else network_of(address)

    @cached_property
    def clean_url(self) -> Callable[[str], str]:
        """What makes a URL one without query and fragment, its path masked as free text."""
        return remembered(lambda url: self.clean_text(without_query(url) if self.url_query == "drop" else url))

    @cached_property
    def clean_page(self) -> Callable[[str], tuple[str, str]]:
        """What makes a URL what :attr:`clean_url` does, and tells its path; an empty one has none."""
        return remembered(lambda url: (clean := self.clean_url(url), clean and path_of(clean)))

    @cached_property
    def clean_text(self) -> Callable[[str], str]:
        """What masks e-mail addresses and card numbers in a text."""
        return mask if self.free_text == "mask" else str

    def clean_json(self, value: Any, dumped: bytes) -> tuple[Any, bool]:
        """Return ``value`` with its texts masked, and whether anything in it changed.

        ``dumped`` is the same value as JSON: nearly every value is recognised by it as
        having nothing to mask, without a walk.
        """
        if self.free_text == "keep" or (b"@" not in dumped and not _DIGIT_RUN.search(dumped)):
            return value, False
        masked = _mask_json(value)
        return masked, masked != value


@remembered
def mask(text: str) -> str:
    """Return ``text`` with e-mail addresses and card numbers (Luhn-valid) replaced."""
    if "@" in text:
        text = _EMAIL.sub(EMAIL_MASK, text)
    if len(text) >= 13:
        text = _CARD.sub(_mask_card, text)
    return text


def without_query(url: str) -> str:
    """Return ``url`` without query, fragment, user name and password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return re.split("[?#]", url, maxsplit=1)[0]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def path_of(url: str) -> str:
    """Return the path of ``url``, ``/`` where it has none: the screen's name by default."""
    try:
        return urlsplit(url).path or "/"
    except ValueError:
        return re.split("[?#]", url, maxsplit=1)[0]


@remembered
def network_of(address: str) -> str | None:
    """Return the /24 (IPv4) or /48 (IPv6) network address, or None for other text."""
    try:
        parsed = ipaddress.ip_address(address.strip())
    except ValueError:
        return None
    if parsed.version == 6 and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    host_bits = 8 if parsed.version == 4 else 80
    return str(type(parsed)(int(parsed) >> host_bits << host_bits))


def _mask_card(match: re.Match[str]) -> str:
    digits = [int(char) for char in match.group() if char.isdigit()]
    return CARD_MASK if _luhn(digits) else match.group()


def _luhn(digits: list[int]) -> bool:
    """ISO/IEC 7812-1 annex B: the check digit every payment card number ends with."""
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _mask_json(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {mask(key): _mask_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_mask_json(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**12:
        text = mask(str(value))
        return text if text == CARD_MASK else value
    return value
