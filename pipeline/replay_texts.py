"""Masks single texts of a replay: attributes of elements, URLs in them, and what programs logged.

Everything is changed in place. Masked text keeps its length and its spaces, as rrweb's own masking does, so that a page
keeps its layout.
"""

import re
from functools import lru_cache
from typing import Any

from pipeline.privacy import PrivacyPolicy

BUTTONS = frozenset({"button", "submit", "reset", "image", "checkbox", "radio"})
"""Types of inputs whose value the page gives."""

TAGS_WITH_SHOWN_VALUES = frozenset({"button", "li", "progress", "meter", "param", "data"})
"""Elements whose value the page gives. Of all others it may be typed: custom elements are inputs too."""

_SEEN = frozenset(
    {
        "placeholder",
        "title",
        "alt",
        "label",
        "summary",
        "abbr",
        "content",
        "standby",
        "prompt",
        "download",
        "text",
        "header",
        "heading",
        "caption",
        "message",
        "description",
        "tooltip",
        "aria-label",
        "aria-description",
        "aria-placeholder",
        "aria-roledescription",
        "aria-braillelabel",
        "aria-brailleroledescription",
    }
)
_OF_LOOKS = frozenset(
    {"class", "id", "slot", "part", "is", "role", "dir", "lang", "hidden", "disabled", "type", "tabindex"}
)
"""Attributes that custom elements have as all others do; what is in theirs may be text."""

_URLS = frozenset(
    {
        "href",
        "src",
        "action",
        "formaction",
        "poster",
        "data",
        "cite",
        "background",
        "longdesc",
        "manifest",
        "codebase",
        "archive",
        "classid",
        "profile",
        "xlink:href",
        "rr_src",
    }
)
_URL_LISTS = frozenset({"srcset", "imagesrcset", "ping"})
_STYLES = frozenset({"style", "_csstext"})
_LINKS = frozenset({"href", "url", "uri", "src", "referrer"})
"""Fields of events and of what programs log, in lower case."""

_EXCHANGED = frozenset(
    {
        "body",
        "headers",
        "cookie",
        "cookies",
        "requestbody",
        "requestheaders",
        "responsebody",
        "responseheaders",
        "postdata",
        "requestpostdata",
        "formdata",
        "set-cookie",
    }
)
"""Fields, in lower case, of requests that recorders of networks log: forms that people sent, and their logins."""

_SECRET = re.compile(
    r"(?i:passw|passcode|passphrase|secret|credential|token\b|authorization|api[_-]?key|card[_-]?num)"
    r"|(?:(?<![A-Za-z])(?i:pwd|pass|otp|totp|pin|cvv2?|cvc2?|csc|ssn|iban|auth)|(?<=[a-z])(?:Pwd|Pass|Otp|Pin|Cvv|Cvc|Ssn))"
    r"(?![a-z])"
)
"""In the name of a field: what it holds is a secret that somebody typed or was given."""

_ICON = re.compile(r"#[\w.:-]{1,64}\Z")
_SHOWN = re.compile(r"\S+")
_ASCII = "".join(chr(code) if chr(code).isspace() else "*" for code in range(128))


def hide(holder: dict[str, Any], name: str) -> None:
    """Mask what is called ``name`` in ``holder``, if there is anything."""
    if (shown := holder.get(name)) is not None:
        holder[name] = hidden(shown)


def hidden(value: Any) -> str:
    """Return a text that tells no more of ``value`` than its length and spaces."""
    if not isinstance(value, str):
        return "*"
    return value.translate(_ASCII) if value.isascii() else _SHOWN.sub(lambda match: "*" * len(match.group()), value)


def mask_attributes(
    attributes: dict[str, Any],
    policy: PrivacyPolicy,
    *,
    shows_value: bool = False,
    is_drawing: bool = False,
    is_custom: bool = False,
) -> None:
    """Mask attributes as ``policy`` says.

    ``shows_value``: the value is the page's own. ``is_drawing``: of SVG, whose parts refer to each other by fragments.
    ``is_custom``: of a custom element, whose attributes may all be texts.
    """
    for name, value in list(attributes.items()):
        kind = _kind(name)
        if policy.replay != "keep":
            if kind == "selected":
                del attributes[name]  # as rrweb does where it masks: it says what was chosen
                continue
            sees = policy.replay == "mask_text" and (
                kind in ("seen", "value") or name[:5].lower() == "data-" or (is_custom and kind == "other")
            )
            if sees or kind == "typed" or (kind == "value" and not shows_value):
                hide(attributes, name)
                continue
        if isinstance(value, str) and (clean := _cleaned(kind, value, policy, is_drawing)) != value:
            attributes[name] = clean


def mask_links(holder: dict[str, Any], policy: PrivacyPolicy) -> None:
    """Clean what is called as URLs are in ``holder``."""
    for name, value in holder.items():
        if isinstance(value, str) and name.lower() in _LINKS:
            holder[name] = _clean_link(value, policy, is_drawing=False)


def masked_log(logged: Any, policy: PrivacyPolicy) -> Any:
    """Return what a program logged: free text, with URLs, in which people's own requests may be."""
    masked = [policy.cleaned(logged)]
    left: list[tuple[Any, bool]] = [(masked, False)]
    while left:
        holder, is_exchanged = left.pop()
        if isinstance(holder, dict):
            mask_links(holder, policy)
        for name, value in list(enumerate(holder) if isinstance(holder, list) else holder.items()):
            is_secret = is_exchanged or (policy.replay != "keep" and isinstance(name, str) and _is_secret(name[:200]))
            if isinstance(value, dict | list):
                left.append((value, is_secret))
            elif (is_secret and value is not None) or (policy.replay == "mask_text" and isinstance(value, str)):
                holder[name] = hidden(value)
    return masked[0]


@lru_cache(maxsize=4096)
def _is_secret(name: str) -> bool:
    """Return whether what a program logs under ``name`` is nothing that others may see."""
    return name.lower() in _EXCHANGED or _SECRET.search(name) is not None


@lru_cache(maxsize=4096)
def _kind(name: str) -> str:
    """Return what an attribute called ``name`` holds."""
    lower = name.lower()
    if lower in ("value", "selected"):
        return lower
    if lower == "srcdoc" or "value" in lower:  # copies of what a field holds: data-replicated-value, aria-valuetext
        return "typed"
    if lower in _SEEN:
        return "seen"
    if lower in _STYLES:
        return "style"
    if lower in _URL_LISTS:
        return "urls"
    if lower in _URLS or lower.startswith("rr_captured") or lower.endswith(("url", "href", "src")):
        return "url"
    return "" if lower in _OF_LOOKS or lower.startswith(("aria-", "rr_")) else "other"


def _cleaned(kind: str, value: str, policy: PrivacyPolicy, is_drawing: bool) -> str:
    if kind == "url":
        return _clean_link(value, policy, is_drawing)
    if kind == "urls":
        return _SHOWN.sub(lambda match: _clean_link(match.group(), policy, is_drawing), value)
    return policy.clean_text(value) if "://" in value and kind != "style" else value


def _clean_link(url: str, policy: PrivacyPolicy, is_drawing: bool) -> str:
    if url[:5].lower() == "data:":
        return url
    end = "," if url.endswith(",") else ""
    icon = _ICON.search(url) if is_drawing and policy.url_query == "drop" else None
    return policy.clean_url(url.removesuffix(end)) + (icon.group() if icon else end)
