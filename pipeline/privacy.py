"""The privacy policy: what of a person's data is changed before anything is stored.

Decides per text, knows no table. Every function is total: text in, text out. A policy has its functions made once,
so that an event pays for none of its choices.
"""

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from pipeline.masking import mask
from pipeline.metadata_privacy import Cleaning, cleaned, may_hold_some
from pipeline.short_texts import remembered
from pipeline.urls import path_of, without_queries, without_query

IP_MASK = "[ip]"

_ADDRESS = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}(?![\w.])"
    r"|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}(?:(?:\.\d{1,3}){3})?(?![\w:]))"
)
_PADDING = re.compile(r"(?<![0-9A-Fa-f])0+(?=[0-9])")
"""Zeros that some write in front of the numbers of an address: to Python it is none then."""


@dataclass(frozen=True)
class PrivacyPolicy:
    """What is masked or dropped; the defaults are the contract's. ``email_key`` is for ``user_email="hash"``."""

    ip_address: Literal["truncate", "keep", "drop"] = "truncate"
    url_query: Literal["drop", "keep"] = "drop"
    url_query_allow: frozenset[str] = frozenset()
    free_text: Literal["mask", "keep"] = "mask"
    user_email: Literal["keep", "hash", "drop"] = "keep"
    email_key: bytes = field(default=b"", repr=False)
    replay: Literal["mask_inputs", "mask_text", "keep"] = "mask_inputs"

    def clean_ip(self, address: str | None) -> str | None:
        """Return the network of ``address`` (/24, /48); text that is no address is dropped."""
        if address is None or self.ip_address == "keep":
            return address
        return None if self.ip_address == "drop" else network_of(address)

    def clean_email(self, address: str | None) -> str | None:
        """Return a user's e-mail address as the policy has it: itself, its keyed hash, or None.

        The hash is HMAC-SHA-256 in hexadecimal (RFC 2104) of the address in lower case: the same person has the same,
        and who does not have the key can neither make it nor try addresses against it.
        """
        if address is None or self.user_email == "keep":
            return address
        if self.user_email == "drop":
            return None
        return hmac.new(self.email_key, address.strip().lower().encode(), hashlib.sha256).hexdigest()

    @property
    def _masked(self) -> Callable[[str], str]:
        return mask if self.free_text == "mask" else str

    @cached_property
    def clean_url(self) -> Callable[[str], str]:
        """What makes a URL one without fragment and, but for what is allowed, query; masked as free text."""
        if self.url_query == "keep":
            return self.clean_text
        return remembered(lambda url: self.clean_text(without_query(url, self.url_query_allow)))

    @cached_property
    def clean_page(self) -> Callable[[str], tuple[str, str]]:
        """What makes a URL what :attr:`clean_url` does, and tells its path; an empty one has none."""
        return remembered(lambda url: (clean := self.clean_url(url), clean and path_of(clean)))

    @cached_property
    def clean_text(self) -> Callable[[str], str]:
        """What masks a text, and cuts the URLs in it."""
        masked = self._masked
        if self.url_query == "keep":
            return masked
        return remembered(lambda text: masked(without_queries(text, self.url_query_allow)))

    def clean_json(self, value: Any, dumped: bytes) -> tuple[Any, bool]:
        """Return ``value`` with its texts masked, and whether anything in it changed.

        ``dumped`` is the same value as JSON: nearly every value is recognised by it as
        having nothing to mask, without a walk.
        """
        if not may_hold_some(dumped):
            return value, False
        masked = self.cleaned(value)
        return masked, masked != value

    def cleaned(self, value: Any) -> Any:
        """Return a JSON value with its texts, numbers and keys masked."""
        return cleaned(value, self._cleaning)

    @cached_property
    def _cleaning(self) -> Cleaning:
        return Cleaning(self.clean_text, self.clean_url, self._clean_addresses, self.free_text == "mask")

    def _clean_addresses(self, text: str) -> str:
        """Return ``text`` with the IP addresses in it as :meth:`clean_ip` has them; of one dropped, a mask is left."""
        if self.ip_address == "keep":
            return text
        return _ADDRESS.sub(lambda match: self._clean_address(match.group()), text)

    def _clean_address(self, text: str) -> str:
        network = network_of(_PADDING.sub("", text))
        return text if network is None else network if self.ip_address == "truncate" else IP_MASK


@remembered
def network_of(address: str) -> str | None:
    """Return the /24 (IPv4) or /48 (IPv6) network address, or None for other text."""
    try:
        parsed = ipaddress.ip_address(address.strip())
    except ValueError:
        return None
    if parsed.version == 6:  # some hold an address of version 4 whole
        parsed = parsed.ipv4_mapped or parsed.sixtofour or parsed
    host_bits = 8 if parsed.version == 4 else 80
    return str(type(parsed)(int(parsed) >> host_bits << host_bits))
