"""Takes out of rrweb events what a browser would fetch, images, fonts, style sheets, frames, and what it would do.

A page that plays a recording asks nobody for anything, whoever was recorded: what was not recorded itself is not there.
What the events say stays, addresses that are only shown or followed by a click among it. Knows the shapes of rrweb 1
and 2; a page's own Content-Security-Policy is what forbids the rest.
"""

import re
from typing import Any

_FETCHED = frozenset(
    {
        "src",
        "href",
        "srcset",
        "imagesrcset",
        "poster",
        "data",
        "background",
        "xlink:href",
        "rr_src",
        "rr_dataurl",
        "manifest",
        "codebase",
        "archive",
        "classid",
    }
)
_FOLLOWED = frozenset({"a", "area"})
"""Elements whose address waits for a click."""

_DONE = frozenset({"http-equiv", "srcdoc"})
"""Attributes that another page comes from; those that hold programs begin with ``on``."""

_OWN = r"\s*(?:data:|blob:|about:|#)"
_IS_OWN = re.compile(_OWN, re.IGNORECASE)
_ELSEWHERE = re.compile(
    rf"""url\((?!{_OWN}|\s*["']{_OWN})\s*+(?:"[^"\n]{{0,4000}}"|'[^'\n]{{0,4000}}'|[^\s"'()]{{0,4000}})\s*+\)""",
    re.IGNORECASE,
)
_IMPORT = re.compile(
    r"""@import\s++(?:url\([^()]{0,4000}\)|"[^"\n]{0,4000}"|'[^'\n]{0,4000}')[^;{}]{0,500};?""",
    re.IGNORECASE,
)
_IMAGE_SET = re.compile(r"(?:-webkit-)?image-set\([^()]{0,4000}\)", re.IGNORECASE)
_ASKS = re.compile(r"url\(|@import|image-set\(", re.IGNORECASE)
_NOTHING = "url(data:,)"


def offline(event: Any) -> Any:
    """Return ``event``, changed in place, without what a browser would fetch or do."""
    left: list[tuple[Any, bool]] = [(event, False)]
    while left:
        holder, is_style = left.pop()
        if isinstance(holder, dict) and isinstance(holder.get("attributes"), dict):
            _forget(holder["attributes"], holder.get("tagName"))
        inside = isinstance(holder, dict) and (holder.get("tagName") == "style" or bool(holder.get("isStyle")))
        for name, value in enumerate(holder) if isinstance(holder, list) else list(holder.items()):
            if isinstance(value, dict | list):
                left.append((value, inside or (is_style and name != "attributes")))
            elif isinstance(value, str) and (name != "textContent" or inside or is_style):
                holder[name] = _unstyled(value)
    return event


def _forget(attributes: dict[str, Any], tag: Any) -> None:
    for name, value in list(attributes.items()):
        lower = name.lower()
        is_fetched = lower in _FETCHED and tag not in _FOLLOWED and isinstance(value, str) and not _IS_OWN.match(value)
        if is_fetched or lower in _DONE or lower.startswith("on"):
            del attributes[name]


def _unstyled(text: str) -> str:
    if _ASKS.search(text) is None:
        return text
    return _IMAGE_SET.sub("none", _ELSEWHERE.sub(_NOTHING, _IMPORT.sub("", text)))
