"""Masks what people typed, and on request all they saw, in a replay chunk's rrweb events; cuts the URLs in them.

Knows the shapes of rrweb 1 and 2 (its ``types.ts``): input events, mutations and serialized nodes, wherever they are in
the chunk, also in JSON that is there as text; text that is like JSON and cannot be read is masked whole. What is no
such shape stays: a chunk is opaque JSON. A packed chunk is one text, which nobody can look into.
"""

from collections.abc import Hashable, Iterable, Iterator
from typing import Any

from pipeline.privacy import PrivacyPolicy
from pipeline.replay_json import LEAST_TEXT, JsonTexts, begins_as_json, dumped, is_like_json
from pipeline.replay_pages import DOCUMENT, Page, id_of, is_bare, is_editable, is_node, is_style, key_of
from pipeline.replay_texts import (
    BUTTONS,
    TAGS_WITH_SHOWN_VALUES,
    hidden,
    hide,
    mask_attributes,
    mask_links,
    masked_log,
)

SNAPSHOT, INCREMENTAL, CUSTOM, PLUGIN = 2, 3, 5, 6
"""``EventType``."""

MUTATION, INPUT, CANVAS, LOG = 0, 5, 9, 11
"""``IncrementalSource``."""

_OF_NODES = frozenset({"attributes", "childNodes"})
_WRITING = frozenset({"fillText", "strokeText"})
MOST_BESIDE = 2_000
"""Characters of a text beside events that may be a URL or name somebody; a packed one is not printable."""

MOST_LEVELS = 3
"""Of JSON as a text within JSON as a text: what is deeper is masked whole."""


def masked_chunk(data: Any, policy: PrivacyPolicy) -> Any:
    """Return ``data`` as ``policy`` has it; lists and objects in it are changed, not copied."""
    if policy.replay == policy.url_query == policy.free_text == "keep":
        return data
    return _Masking(policy).of(data)


class _Masking:
    """One walk over a chunk, in its order; what is within an editor is known at the end of each page."""

    def __init__(self, policy: PrivacyPolicy) -> None:
        self._policy = policy
        self._masks = policy.replay != "keep"
        self._masks_all = policy.replay == "mask_text"
        self._page = Page()
        self._event = 0
        self._left: list[tuple[Any, Iterator[Any], int, bool]] = []
        self._opened: list[tuple[Any, Any, list[Any]]] = []
        self._texts = JsonTexts()

    def of(self, data: Any) -> Any:
        whole = [data]
        self._go_into(whole, (0,), 0, outside=True)
        while self._left:
            holder, names, level, outside = self._left[-1]
            for name in names:
                value = holder[name]
                kind = type(value)  # JSON, just parsed: no other classes; isinstance takes three times as long
                inside = level
                if (
                    kind is str
                    and len(value) >= LEAST_TEXT
                    and (inner := self._opened_text(holder, name, level, outside))
                ):
                    value, inside = inner, level + 1
                    kind = list
                if not value or (kind is not dict and kind is not list):
                    continue
                if kind is list:
                    self._go_into(value, range(len(value)), inside, outside=outside)
                else:
                    self._take_object(value, inside, outside)
                break
            else:
                self._left.pop()
        self._end_page()
        for holder, name, inner in reversed(self._opened):
            holder[name] = dumped(inner[0])
        return whole[0]

    def _go_into(self, holder: Any, names: Iterable[Any], level: int, *, outside: bool = False) -> None:
        """Leave what is called ``names`` in ``holder`` for later, in order; ``outside``: of what rrweb describes."""
        self._left.append((holder, iter(names), level, outside))

    def _opened_text(self, holder: Any, name: Any, level: int, outside: bool) -> list[Any] | None:
        """Return a list of the value that the text called ``name`` is as JSON; None where it is none."""
        text = holder[name]
        if not begins_as_json(text):
            if outside:
                self._clean_outside(holder, name, text)
            return None
        if inner := self._texts.read(text):
            if level < MOST_LEVELS:
                self._opened.append((holder, name, inner))
                return inner
            holder[name] = hidden(text)
        elif self._masks and is_like_json(text):
            holder[name] = hidden(text)
        return None

    def _clean_outside(self, holder: Any, name: Any, text: str) -> None:
        if self._masks and is_like_json(text):
            holder[name] = hidden(text)
        elif len(text) <= MOST_BESIDE and ("@" in text or "://" in text) and text.isprintable():
            holder[name] = self._policy.clean_text(text)

    def _end_page(self) -> None:
        if self._masks:
            for holder, name in self._page.typed():
                hide(holder, name)
        self._page = Page()

    def _take_object(self, value: dict[str, Any], level: int, outside: bool) -> None:
        names = list(value)
        if "type" in value and "data" in value:
            data, inside = value["data"], level
            if isinstance(data, str) and (inner := self._opened_text(value, "data", level, outside)):
                data, inside = inner[0], level + 1
                if not isinstance(data, dict):
                    self._go_into(inner, (0,), inside, outside=outside)
                    names.remove("data")
            if isinstance(data, dict):
                self._event += 1
                self._take_event(value["type"], data, inside)
                names.remove("data")
        elif is_node(value):
            self._take_nodes(value, level)
            return
        elif outside:
            mask_links(value, self._policy)
        self._go_into(value, names, level, outside=outside)

    def _take_event(self, kind: Any, data: dict[str, Any], level: int) -> None:
        mask_links(data, self._policy)
        taken: set[str] = set()
        if kind == SNAPSHOT and is_node(data.get("node")):
            self._end_page()
            self._take_nodes(data["node"], level)
            taken.add("node")
        elif kind == INCREMENTAL:
            taken = self._take_change(data, level)
        elif kind in (CUSTOM, PLUGIN) and "payload" in data:
            data["payload"] = masked_log(data["payload"], self._policy)
        if kind == CUSTOM and isinstance(data.get("tag"), str):
            data["tag"] = hidden(data["tag"]) if self._masks_all else self._policy.clean_text(data["tag"])
        self._go_into(data, [name for name in data if name not in taken], level)

    def _take_change(self, data: dict[str, Any], level: int) -> set[str]:
        """Mask an incremental snapshot; return the fields that are done."""
        source = data.get("source")
        if source == INPUT and self._masks:
            hide(data, "text")
            hide(data, "value")
        elif source == LOG:
            data |= {name: masked_log(data[name], self._policy) for name in ("payload", "trace") if name in data}
        elif source == CANVAS and self._masks_all:
            for command in [data, *_objects(data.get("commands"))]:
                if command.get("property") in _WRITING and isinstance(command.get("args"), list):
                    command["args"] = [hidden(each) if isinstance(each, str) else each for each in command["args"]]
        for change in _objects(data.get("adds")):
            self._take_addition(change, level)
        for change in _objects(data.get("attributes")):
            self._take_attributes(change)
        for change in _objects(data.get("texts")) if self._masks else ():
            self._take_text_change(change)
        return {"adds", "attributes", "texts"} & {name for name, value in data.items() if isinstance(value, list)}

    def _take_addition(self, addition: dict[str, Any], level: int) -> None:
        node = addition.get("node")
        if not isinstance(node, dict) or not is_node(node):
            self._go_into(addition, addition, level)
            return
        if node.get("type") == DOCUMENT:  # of an iframe: all of it is here
            self._take_nodes(node, level)
            return
        is_text = "tagName" not in node
        like_editing = not is_style(node) if is_text else is_bare(node.get("attributes"))
        key = key_of(node)
        self._page.add(key, id_of(addition.get("parentId")), self._event, like_editing=like_editing)
        self._take_nodes(node, level, key)

    def _take_attributes(self, change: dict[str, Any]) -> None:
        attributes = change.get("attributes")
        if not isinstance(attributes, dict):
            return
        key = id_of(change.get("id"))
        if is_editable(attributes):
            self._page.edit(key)
        page = self._page
        mask_attributes(attributes, self._policy, shows_value=page.shows_value(key), is_custom=key in page.custom)

    def _take_text_change(self, change: dict[str, Any]) -> None:
        key = id_of(change.get("id"))
        if not self._masks_all:
            self._page.change(change, key)
        elif not self._page.is_style(key):
            hide(change, "value")

    def _take_nodes(self, node: dict[str, Any], level: int, added: Hashable | None = None) -> None:
        """Mask ``node`` and all in it; ``added`` is its key where the page knows of it already."""
        left: list[tuple[dict[str, Any], Hashable | None, str]] = [(node, None, "")]
        while left:
            node, parent, tag_of_parent = left.pop()
            key = key_of(node)
            if added is None:
                self._page.describe(key, parent, self._event)
            else:
                key, added = added, None
            tag = node.get("tagName")
            tag = tag.lower() if isinstance(tag, str) else ""
            if tag:
                self._take_element(node, key, tag)
            elif "textContent" in node:
                self._take_text(node, key, tag_of_parent)
            children = node.get("childNodes")
            if isinstance(children, list):
                left += [(child, key, tag) for child in reversed(children) if is_node(child)]
                self._go_into(children, [n for n, child in enumerate(children) if not is_node(child)], level)
            others = [name for name, value in node.items() if name not in _OF_NODES and isinstance(value, dict | list)]
            self._go_into(node, others, level)

    def _take_element(self, node: dict[str, Any], key: Hashable, tag: str) -> None:
        attributes = node.get("attributes")
        if not isinstance(attributes, dict):
            attributes = {}
        kind = attributes.get("type")
        is_button = tag == "input" and isinstance(kind, str) and kind.lower() in BUTTONS
        shows_value = is_button or tag in TAGS_WITH_SHOWN_VALUES
        (self._page.shown_values if shows_value else self._page.typed_values).add(key)
        if tag == "textarea" or is_editable(attributes):
            self._page.edit(key)
        is_drawing = node.get("isSVG") is True and tag != "a"
        if is_custom := "-" in tag and not is_drawing:
            self._page.custom.add(key)
        mask_attributes(attributes, self._policy, shows_value=shows_value, is_drawing=is_drawing, is_custom=is_custom)

    def _take_text(self, node: dict[str, Any], key: Hashable, inside: str) -> None:
        if inside == "noscript" and isinstance(node["textContent"], str):
            node["textContent"] = self._policy.clean_text(node["textContent"])
        if inside == "style" or is_style(node):
            self._page.styles.add(key)
            return
        self._page.texts.add(key)
        if self._masks_all or (self._masks and inside in ("textarea", "script")):
            hide(node, "textContent")
        elif self._masks:
            self._page.show(node, key)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
