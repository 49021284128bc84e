"""Masks what people typed, and on request all they saw, in a replay chunk's rrweb events.

Knows the shapes of rrweb 1 and 2 (its ``types.ts``): input events, mutations and serialized nodes, wherever they are in
the chunk. What is no such shape stays: a chunk is opaque JSON. A packed chunk is one text, which nobody can look into.
Masked text keeps its length and its spaces, as rrweb's own masking does, so that a page keeps its layout.
"""

import re
from collections.abc import Callable
from typing import Any, Literal

_SHOWN = re.compile(r"\S")

INPUT_SOURCE = 5
"""``IncrementalSource.Input``: what a field holds now."""

INCREMENTAL, META = 3, 4
"""``EventType.IncrementalSnapshot`` and ``Meta``."""

TEXT_NODE = 3
"""``NodeType.Text``."""

_FIELDS = frozenset({"input", "textarea", "select", "option"})
_BUTTONS = frozenset({"button", "submit", "reset", "image", "checkbox", "radio"})
_VISIBLE_ATTRIBUTES = ("placeholder", "title", "alt", "aria-label", "label")
_INVISIBLE = frozenset({"style", "script", "noscript"})

Mask = Literal["inputs", "text"]


def masked_chunk(data: Any, mask: Mask, clean_url: Callable[[str], str]) -> Any:
    """Return ``data`` with the values of inputs masked, with ``mask="text"`` every text too; URLs of pages cleaned."""
    if isinstance(data, list):
        return [masked_chunk(item, mask, clean_url) for item in data]
    if not isinstance(data, dict):
        return data
    tag = data.get("tagName")
    if isinstance(tag, str) and tag.lower() in _INVISIBLE:
        return data
    copy: Any = {key: masked_chunk(value, mask, clean_url) for key, value in data.items()}
    if "type" in copy and isinstance(copy.get("data"), dict):
        copy["data"] = _event_data(copy["type"], copy["data"], mask, clean_url)
    elif isinstance(tag, str):
        copy |= _attributes(copy, tag.lower(), mask, clean_url)
        if tag.lower() == "textarea" and isinstance(copy.get("childNodes"), list):
            copy["childNodes"] = [_hide(node, "textContent") for node in copy["childNodes"]]
    elif mask == "text" and copy.get("type") == TEXT_NODE and not copy.get("isStyle"):
        return _hide(copy, "textContent")
    return copy


def _event_data(kind: Any, data: dict[str, Any], mask: Mask, clean_url: Callable[[str], str]) -> dict[str, Any]:
    if kind == META and isinstance(data.get("href"), str):
        return data | {"href": clean_url(data["href"])}
    if kind != INCREMENTAL:
        return data
    changed: dict[str, Any] = _hide(data, "text") if data.get("source") == INPUT_SOURCE else dict(data)
    if isinstance(data.get("attributes"), list):  # of nodes whose tag is not said here
        changed["attributes"] = [_change(change, mask, clean_url) for change in data["attributes"]]
    if mask == "text" and isinstance(data.get("texts"), list):
        changed["texts"] = [_hide(text, "value") for text in data["texts"]]
    return changed


def _change(change: Any, mask: Mask, clean_url: Callable[[str], str]) -> Any:
    return change | _attributes(change, "input", mask, clean_url) if isinstance(change, dict) else change


def _attributes(node: dict[str, Any], tag: str, mask: Mask, clean_url: Callable[[str], str]) -> dict[str, Any]:
    """Return the node's attributes masked, as a part of it; nothing where it has none."""
    clean: Any = node.get("attributes")
    if not isinstance(clean, dict):
        return {}
    kind = clean.get("type")
    if tag in _FIELDS and not (isinstance(kind, str) and kind in _BUTTONS):
        clean = _hide(clean, "value")
    if isinstance(clean.get("href"), str) and tag != "link":
        clean = clean | {"href": clean_url(clean["href"])}
    if mask == "text":
        for name in _VISIBLE_ATTRIBUTES:
            clean = _hide(clean, name)
    return {"attributes": clean}


def _hide(holder: Any, name: str) -> Any:
    """Return ``holder`` with the text called ``name`` masked, if there is one."""
    if not isinstance(holder, dict) or holder.get(name) is None:
        return holder
    shown = holder[name]
    return holder | {name: _SHOWN.sub("*", shown) if isinstance(shown, str) else "*"}
