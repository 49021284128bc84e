"""Decides which texts of a replayed page people may have typed, by what its nodes stand in.

rrweb describes a page once, in a full snapshot, then its changes, by the ids of nodes. A chunk is looked at alone: of a
node that was described in an earlier chunk nothing is known here. What is done to such a one counts as typed where it
is what editing does, which changes texts, puts texts into elements that are there, and makes elements without
attributes; and as shown where a page adds elements of its own with what is in them.
"""

from collections.abc import Hashable, Iterable, Iterator
from typing import Any

DOCUMENT = 0
"""``NodeType`` of rrweb-snapshot."""

_BARE = frozenset({"style", "dir", "lang"})
"""Attributes that elements have which browsers make while people type or paste."""

_EDITABLE_ROLES = frozenset({"textbox", "searchbox", "combobox"})

_EDITORS = ("data-slate-", "data-lexical-")
"""Begin the attributes that these editors give to each of their nodes."""


def is_editable(attributes: dict[str, Any]) -> bool:
    """Return whether an element with ``attributes`` is one that people type into, or an editor's own."""
    for name, value in attributes.items():
        lower = name.lower()
        if lower == "contenteditable":
            if value is not None and str(value).lower() != "false":
                return True
        elif lower.startswith(_EDITORS) or (
            lower == "role" and not _EDITABLE_ROLES.isdisjoint(str(value).lower().split())
        ):
            return True
    return False


def is_bare(attributes: Any) -> bool:
    """Return whether an element has no attributes but those that editing gives it."""
    return not isinstance(attributes, dict) or attributes.keys() <= _BARE


class Page:
    """The nodes of one page in one chunk, each by its id or by a value that no other has.

    ``styles`` are texts of style sheets, ``texts`` all others; ``shown_values`` are elements whose ``value`` nobody
    types, ``typed_values`` all others; ``custom`` are elements that the page defines. An id that several nodes have,
    as no page does, may be in both of a pair.
    """

    def __init__(self) -> None:
        self.styles: set[Hashable] = set()
        self.texts: set[Hashable] = set()
        self.shown_values: set[Hashable] = set()
        self.typed_values: set[Hashable] = set()
        self.custom: set[Hashable] = set()
        self._inside: dict[Hashable, list[Hashable]] = {}
        self._made_by: dict[Hashable, int] = {}
        self._editable: list[Hashable] = []
        self._unknown: list[Hashable] = []
        self._put_in: list[tuple[Hashable, Hashable]] = []
        self._texts: list[tuple[dict[str, Any], Hashable]] = []
        self._changes: list[tuple[dict[str, Any], Hashable]] = []

    def describe(self, key: Hashable, parent: Hashable | None, event: int) -> None:
        """Note that ``event`` described ``key``, which stands in ``parent``, or in nothing where that is None."""
        self._made_by[key] = event
        if parent is not None:
            self._inside.setdefault(parent, []).append(key)

    def add(self, key: Hashable, parent: Hashable, event: int, *, like_editing: bool) -> None:
        """Note that ``event`` put ``key`` into ``parent``; ``like_editing``: it is what editing puts somewhere."""
        made_by = self._made_by.get(parent)
        if made_by is None:
            (self._editable if like_editing else self._unknown).append(key)
        elif like_editing and made_by != event:
            self._put_in.append((key, parent))
        self.describe(key, parent, event)

    def edit(self, key: Hashable) -> None:
        """Note that people type into ``key``: all texts in it are typed."""
        self._editable.append(key)

    def shows_value(self, key: Hashable) -> bool:
        """Return whether nobody types the value of any element that goes by ``key``."""
        return key in self.shown_values and key not in self.typed_values

    def is_style(self, key: Hashable) -> bool:
        """Return whether nothing goes by ``key`` but texts of style sheets."""
        return key in self.styles and key not in self.texts

    def show(self, node: dict[str, Any], key: Hashable) -> None:
        """Note a node that has a text, which is typed if it stands where people type."""
        self._texts.append((node, key))

    def change(self, change: dict[str, Any], key: Hashable) -> None:
        """Note a change of the text of ``key``."""
        self._changes.append((change, key))

    def typed(self) -> Iterator[tuple[dict[str, Any], str]]:
        """Yield each holder of a text that people may have typed, and the text's name in it."""
        unknown = self._all_in(self._unknown)
        editable = self._all_in([*self._editable, *(key for key, parent in self._put_in if parent in unknown)])
        for node, key in self._texts:
            if key in editable:
                yield node, "textContent"
        for change, key in self._changes:
            is_shown = key in self._made_by and key not in unknown and key not in editable
            if not is_shown and not self.is_style(key):
                yield change, "value"

    def _all_in(self, keys: Iterable[Hashable]) -> set[Hashable]:
        """Return ``keys`` and all that stands in them."""
        found: set[Hashable] = set()
        left = list(keys)
        while left:
            key = left.pop()
            if key not in found:
                found.add(key)
                left += self._inside.get(key, ())
        return found


def is_node(value: Any) -> bool:
    """Return whether ``value`` is a serialized node."""
    if not isinstance(value, dict):
        return False
    if "textContent" in value or isinstance(value.get("tagName"), str):
        return True
    return value.get("type") == DOCUMENT and isinstance(value.get("childNodes"), list)


def is_style(node: dict[str, Any]) -> bool:
    """Return whether a text node is said to be a style sheet's."""
    return node.get("isStyle") is True


def key_of(node: dict[str, Any]) -> Hashable:
    """Return what ``node`` goes by."""
    return id_of(node.get("id"))


def id_of(value: Any) -> Hashable:
    """Return ``value`` where it is an id, else a value that no other has."""
    return value if isinstance(value, int | str) else object()
